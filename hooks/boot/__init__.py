"""The boot service of a new server: it takes over by itself once all volumes are attached."""
