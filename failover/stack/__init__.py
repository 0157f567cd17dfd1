"""The door to the stack: Terraform in a folder, or Resource Manager."""
