"""What only explains more to an operator. Not in cloud-init's copy."""
