"""A server's layers, one module each: iSCSI, LVM, filesystems, NFS, the service address."""
