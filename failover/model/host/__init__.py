"""Values of one host: the hooks' spec and their report, a login, what is on its root disk."""
