"""What is done before a failover and after it: adopt, preflight, image, rehearse, backup, standby, hold."""
