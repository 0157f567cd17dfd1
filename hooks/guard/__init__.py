"""The boot guard: what an image of a server carries, so that a copy brings nothing of the server to life."""
