"""A read-only look at everything that a plan depends on."""
