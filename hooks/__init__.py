"""What runs on the hosts: brings the storage and NFS layers up, down, or tells how they are."""
