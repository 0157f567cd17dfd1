# The servers: adopted ones are only looked at, launched ones are made once and never terminated from here.

locals {
  server_tag = "nfs-failover-server"

  _adopted    = { for name, s in var.servers : name => s if s.instance_id != null }
  _launchable = { for name, s in var.servers : name => s if s.instance_id == null }

  # Instances of this site that exist already, so that a switch away from one of them does not end it.
  _found = {
    for name, _ in local._launchable : name => [
      for i in data.oci_core_instances.site.instances : i.id if try(i.freeform_tags[local.server_tag], "") == name
    ]
  }
  _launched = {
    for name, s in local._launchable : name => s
    if name == var.active_server || s.standby || contains(var.launch, name) || length(local._found[name]) > 0
  }

  _adopted_vnics = {
    for pair in flatten([
      for name, list in data.oci_core_vnic_attachments.adopted : [
        for a in list.vnic_attachments : { name = name, vnic_id = a.vnic_id }
      ]
    ]) : "${pair.name}/${pair.vnic_id}" => pair
  }
  # The primary VNIC of each adopted server. The instance itself tells its address only while it is RUNNING.
  _primary = {
    for key, pair in local._adopted_vnics : pair.name => data.oci_core_vnic.adopted[key]
    if data.oci_core_vnic.adopted[key].is_primary
  }

  servers = {
    for name, s in var.servers : name => {
      instance_id         = s.instance_id != null ? s.instance_id : try(oci_core_instance.server[name].id, null)
      adopted             = s.instance_id != null
      exists              = s.instance_id == null ? contains(keys(local._launched), name) : !contains(["TERMINATING", "TERMINATED"], data.oci_core_instance.adopted[name].state)
      address             = s.instance_id != null ? try(local._primary[name].private_ip_address, s.private_ip) : try(oci_core_instance.server[name].private_ip, s.private_ip)
      subnet_id           = s.instance_id != null ? try(local._primary[name].subnet_id, s.subnet_id) : s.subnet_id
      hostname            = coalesce(s.hostname, name)
      availability_domain = s.instance_id != null ? data.oci_core_instance.adopted[name].availability_domain : s.availability_domain
    }
  }
}

# Also the gate of the whole stack: nothing else is planned when one of its preconditions fails.
data "oci_core_instances" "site" {
  compartment_id = var.compartment_id

  filter {
    name   = "state"
    values = ["CREATING_IMAGE", "MOVING", "PROVISIONING", "RUNNING", "STARTING", "STOPPED", "STOPPING"]
  }

  filter {
    name   = "freeform_tags.${local.server_tag}"
    values = keys(var.servers)
  }

  lifecycle {
    precondition {
      condition     = contains(keys(var.servers), var.active_server)
      error_message = "active_server is \"${var.active_server}\", which is not one of servers (${join(", ", keys(var.servers))}): correct it in active.auto.tfvars, or add the server."
    }

    precondition {
      condition     = length(setsubtract(var.launch, keys(var.servers))) == 0
      error_message = "launch names ${join(", ", setsubtract(var.launch, keys(var.servers)))}, not in servers (${join(", ", keys(var.servers))}): correct launch, or add the server."
    }

    precondition {
      condition     = length(setsubtract(flatten([for _, g in var.storage.volume_groups : g.volumes]), keys(var.volumes))) == 0
      error_message = "storage.volume_groups lists ${join(", ", setsubtract(flatten([for _, g in var.storage.volume_groups : g.volumes]), keys(var.volumes)))}, not in volumes (${join(", ", keys(var.volumes))}): correct the list, or add the volume."
    }
  }
}

data "oci_core_instance" "adopted" {
  for_each = local._adopted

  instance_id = each.value.instance_id
}

data "oci_core_vnic_attachments" "adopted" {
  for_each = local._adopted

  compartment_id = data.oci_core_instance.adopted[each.key].compartment_id
  instance_id    = each.value.instance_id

  filter {
    name   = "state"
    values = ["ATTACHED"]
  }
}

data "oci_core_vnic" "adopted" {
  for_each = local._adopted_vnics

  vnic_id = each.value.vnic_id
}

resource "oci_core_instance" "server" {
  for_each = local._launched

  compartment_id       = var.compartment_id
  availability_domain  = each.value.availability_domain
  fault_domain         = each.value.fault_domain
  display_name         = each.key
  shape                = each.value.shape
  preserve_boot_volume = true # what a dead server leaves behind is kept for whoever asks why
  freeform_tags        = { (local.server_tag) = each.key }
  metadata             = local.metadata

  dynamic "shape_config" {
    for_each = each.value.shape_config[*]
    content {
      ocpus         = shape_config.value.ocpus
      memory_in_gbs = shape_config.value.memory_in_gbs
    }
  }

  source_details {
    source_type             = "image"
    source_id               = each.value.image_id
    boot_volume_size_in_gbs = each.value.boot_volume_size_in_gbs
  }

  create_vnic_details {
    subnet_id        = each.value.subnet_id
    nsg_ids          = each.value.nsg_ids
    private_ip       = each.value.private_ip
    hostname_label   = coalesce(each.value.hostname, each.key)
    assign_public_ip = false
  }

  timeouts {
    create = "60m"
    update = "60m"
    delete = "75m"
  }

  lifecycle {
    prevent_destroy = true
    # They say how a server is born. A new image or key must not replace one that runs.
    ignore_changes = [metadata, source_details, create_vnic_details]

    precondition {
      condition     = length(local._found[each.key]) <= 1
      error_message = "${length(local._found[each.key])} instances carry the tag ${local.server_tag} = \"${each.key}\" (${join(", ", local._found[each.key])}): terminate the ones that are not ${each.key}, or remove their tag."
    }

    precondition {
      condition     = local._user_data != ""
      error_message = "terraform/rendered/user_data is missing, and ${each.key} would be launched without its hooks: run `invoke render` first."
    }

    precondition {
      condition     = local._metadata_bytes <= local._metadata_limit
      error_message = "The metadata of ${each.key} is ${local._metadata_bytes} bytes, more than OCI's ${local._metadata_limit}: shorten ssh_authorized_keys or storage, or bake the hooks into the image."
    }
  }
}
