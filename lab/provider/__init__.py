"""A stand-in for the oracle/oci Terraform provider: what terraform/ uses of it, against the lab's API."""
