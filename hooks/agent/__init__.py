"""What Oracle Cloud Agent runs on a client in the place of SSH (failover/hosts/run_command/script.py)."""
