"""Values, and how they are checked: pure, and no room of ours below."""
