"""How a user reaches the lab's API: its process, the SDK's clients, signatures, waiting."""
