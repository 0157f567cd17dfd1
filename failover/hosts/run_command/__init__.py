"""Clients through OCI's Compute Instance Agent, where SSH does not reach (docs/clients.md)."""
