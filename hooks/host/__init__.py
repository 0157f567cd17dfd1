"""The only door to the host: commands, files, mounts, processes, the lock."""
