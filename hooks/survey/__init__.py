"""What a takeover would refuse or lose, looked at beforehand. Not in cloud-init's copy."""
