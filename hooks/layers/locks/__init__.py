"""What the clients' locks need to outlive a takeover: nfsd's and rpc.statd's records of them, on the data."""
