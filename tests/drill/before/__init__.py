"""Drills of what is done before a failure: image, rehearsal, backup, and all of it in one."""
