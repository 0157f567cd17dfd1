"""What only explains more to an operator."""
