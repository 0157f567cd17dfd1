"""Values, and how they are checked: pure; this is the lowest room."""
