"""What is done before and after a failover: adopt, preflight, image, rehearse, backup, standby, hold, status."""
