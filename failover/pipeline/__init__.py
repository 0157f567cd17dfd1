"""What a pipeline's job runs: its secrets, and the plan as a comment on a pull request."""
