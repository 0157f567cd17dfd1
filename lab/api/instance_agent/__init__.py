"""The Compute Instance Agent: commands for it, and its plugin that runs them."""
