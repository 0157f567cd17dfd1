"""Sites as their owners built them: how each is built by hand, and what its hosts' fstab must be."""
