"""The client's layer: its mounts move to the present server. Not in cloud-init's copy."""
