"""Acts: executes a plan, each kind of step in a module of its own."""
