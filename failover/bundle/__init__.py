"""What is made to be sent elsewhere: the hooks as one file, cloud-init, the zip for Resource Manager."""
