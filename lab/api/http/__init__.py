"""HTTP in and out, the table of operations, and the worker that carries out state changes."""
