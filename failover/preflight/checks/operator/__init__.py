"""Prechecks of the operator's own machine: its disk, its mounts, and Terraform's state and plan there."""
