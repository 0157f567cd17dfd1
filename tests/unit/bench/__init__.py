"""What the benches compute from what they have measured."""
