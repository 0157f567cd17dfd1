"""Where a client's mounts are written: fstab, autofs maps, mount units."""
