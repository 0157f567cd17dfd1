"""The NFS site on the lab, from nothing to serving."""
