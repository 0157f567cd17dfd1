# What runs this stack: the language of Terraform 1.5, the newest that Resource Manager offers.
terraform {
  required_version = ">= 1.5.0"

  required_providers {
    oci = {
      source  = "oracle/oci"
      version = ">= 7.0.0, < 9.0.0"
    }
  }
}
