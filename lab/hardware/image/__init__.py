"""The guests' image: what it is made of, how it is built and kept."""
