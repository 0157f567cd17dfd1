"""Would a failover work now? Prechecks that change nothing, each with what was found and its remedy."""
