"""The door to OCI's API: every call of the SDK for instances, volumes, images and subnets."""
