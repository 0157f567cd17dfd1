"""What a server's root disk has and its service needs: kept with the data, restored before NFS starts."""
