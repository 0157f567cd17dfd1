"""Prechecks of what the API has: the target, its image and addresses, the volumes and their copies."""
