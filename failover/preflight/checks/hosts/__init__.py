"""Prechecks of what the hosts answer: who lets us in, surveys, canaries, what a standby holds ready."""
