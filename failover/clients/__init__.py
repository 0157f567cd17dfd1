"""Which clients a command is about, wherever the list of hosts comes from, and what is wrong with them."""
