"""A client's lines moved from a server's own name to the service's address, and back, mount by mount."""
