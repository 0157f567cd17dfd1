"""The door to the hosts: SSH, and the hooks that run there."""
