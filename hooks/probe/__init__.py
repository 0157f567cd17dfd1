"""The data itself: canaries written, read and compared. Not in cloud-init's copy."""
