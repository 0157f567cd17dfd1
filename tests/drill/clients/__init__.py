"""Drills of clients: their locks, their works, and each way in which they are brought over."""
