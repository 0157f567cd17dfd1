# Credentials come from the caller (Resource Manager, ~/.oci/config, environment), never from the stack.
provider "oci" {
  region              = var.region
  config_file_profile = var.config_file_profile
}
