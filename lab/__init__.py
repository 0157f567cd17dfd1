"""A cloud in miniature on one machine, to rehearse a failover on real parts before it is needed."""
