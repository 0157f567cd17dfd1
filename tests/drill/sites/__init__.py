"""Sites that others built, on guests that are shaped like theirs."""
