# The data volumes: existing ones are looked at, the others are made here and then kept for ever.

locals {
  volumes = {
    for name, v in local.site.volumes : name => {
      volume_id = v.volume_id != null ? v.volume_id : oci_core_volume.data[name].id
      availability_domain = (
        v.volume_id != null ?
        data.oci_core_volume.existing[name].availability_domain :
        v.availability_domain
      )
      state = v.volume_id != null ? data.oci_core_volume.existing[name].state : "AVAILABLE"
    }
  }
}

data "oci_core_volume" "existing" {
  for_each = { for name, v in local.site.volumes : name => v if v.volume_id != null }

  volume_id = each.value.volume_id

  lifecycle {
    postcondition {
      condition = self.state != null
      error_message = join(" ", [
        "404: volume ${each.key} (${each.value.volume_id}) cannot be read: ${local._no_answer}: allow the caller to",
        "read volumes in its compartment.",
      ])
    }
  }
}

resource "oci_core_volume" "data" {
  for_each = { for name, v in local.site.volumes : name => v if v.volume_id == null }

  compartment_id      = var.compartment_id
  availability_domain = each.value.availability_domain
  display_name        = coalesce(each.value.display_name, each.key)
  size_in_gbs         = each.value.size_in_gbs
  vpus_per_gb         = each.value.vpus_per_gb
  freeform_tags       = { "nfs-failover-volume" = each.key }

  timeouts {
    create = "20m"
    update = "20m"
    delete = "20m"
  }

  lifecycle {
    prevent_destroy = true
  }
}
