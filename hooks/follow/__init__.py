"""A client that follows the service by itself: notices that its server has gone, and moves its mounts."""
