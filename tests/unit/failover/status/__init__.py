"""Tests of failover/status."""
