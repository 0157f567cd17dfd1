"""OCI's lifecycle states of an instance, by what they mean to a failover (Core Services API, Instance)."""

ENDING = "TERMINATING"  # it still has its addresses, its name and its boot volume
ENDED = "TERMINATED"
ENDING_OR_ENDED = (ENDING, ENDED)  # it never runs again
OFF = ("STOPPED", ENDED)  # proven: nothing runs on it
