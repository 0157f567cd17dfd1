"""What a rehearsal adds to the latency of a client's writes, with the servers on a processor of their own."""
