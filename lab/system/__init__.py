"""This machine: commands, processes, paths, locks, packages. Nothing of the cloud."""
