"""Where one stands: who is active by each witness, what is unprotected, and the one command that mends it."""
