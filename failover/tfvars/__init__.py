"""Files of Terraform's variables: read, changed, shown as a difference, written whole."""
