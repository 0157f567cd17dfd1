"""The prechecks, one subject in a module."""
