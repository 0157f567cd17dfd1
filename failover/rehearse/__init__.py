"""Rehearses a takeover on clones of the data, on a throw-away server, and removes all that it made."""
