# Credentials come from the caller (Resource Manager, ~/.oci/config, environment), never from the stack.
provider "oci" {
  region = var.region
  # a field of the form that was left empty is no profile
  config_file_profile = try(coalesce(var.config_file_profile), null)
}
