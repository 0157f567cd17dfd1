"""Resource Manager: stacks, and jobs that run Terraform."""
