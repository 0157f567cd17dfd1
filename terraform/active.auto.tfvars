active_server = "nfs-srv-1"
