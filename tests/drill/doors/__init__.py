"""Drills of the three doors, of each failure, and of the drill itself."""
