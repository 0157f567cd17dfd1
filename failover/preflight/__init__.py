"""Would a failover work now? Prechecks change nothing; each has what was found and its remedy."""
