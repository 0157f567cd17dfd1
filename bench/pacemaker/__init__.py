"""A takeover by the product beside a Pacemaker pair and bare shell commands, on the same kind of guests."""
