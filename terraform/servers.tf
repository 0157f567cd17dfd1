# The servers: adopted ones are only looked at, launched ones are made once and never terminated from here.

locals {
  server_tag = "nfs-failover-server"

  # The form names it, but has neither an instance nor an image for it.
  _active_is_empty = (
    local._form_has_servers &&
    contains([var.server_name, var.replacement_name], var.active_server) &&
    !contains(keys(local.site.servers), var.active_server)
  )

  _adopted    = { for name, s in local.site.servers : name => s if s.instance_id != null }
  _launchable = { for name, s in local.site.servers : name => s if s.instance_id == null }

  # Instances of this site that exist already, so that a switch away from one of them does not terminate it.
  _found = {
    for name, _ in local._launchable : name => [
      for i in data.oci_core_instances.site.instances : i.id
      if i.freeform_tags[local.server_tag] == name && !contains(local._gone, i.state)
    ]
  }
  # Until it has ended it has its name and its addresses, and the state keeps it.
  _ending = {
    for name, _ in local._launchable : name => [
      for i in data.oci_core_instances.site.instances : i.id
      if i.freeform_tags[local.server_tag] == name && i.state == "TERMINATING"
    ]
  }
  _launched = {
    for name, s in local._launchable : name => s
    if(name == var.active_server && !local._waits) || s.standby || contains(var.launch, name) ||
    length(local._found[name]) > 0
  }

  _adopted_vnics = {
    for pair in flatten([
      for name, list in data.oci_core_vnic_attachments.adopted : [
        for a in list.vnic_attachments : { name = name, vnic_id = a.vnic_id, nic_index = a.nic_index }
      ]
    ]) : "${pair.name}/${pair.vnic_id}" => pair
  }
  # The primary VNIC of each adopted server. The instance itself tells its address only while it is RUNNING.
  _primary = {
    for key, pair in local._adopted_vnics : pair.name => data.oci_core_vnic.adopted[key]
    if data.oci_core_vnic.adopted[key].is_primary
  }

  # Apart from local.servers: known before a server is launched.
  subnets = {
    for name, s in local.site.servers :
    name => s.instance_id == null ? s.subnet_id : try(local._primary[name].subnet_id, s.subnet_id)
  }

  servers = {
    for name, s in local.site.servers : name => {
      instance_id = s.instance_id != null ? s.instance_id : try(oci_core_instance.server[name].id, null)
      adopted     = s.instance_id != null
      compartment_id = (
        s.instance_id == null ?
        var.compartment_id :
        try(coalesce(data.oci_core_instance.adopted[name].compartment_id, s.compartment_id), null)
      )
      exists = (
        s.instance_id == null ?
        contains(keys(local._launched), name) :
        !contains(local._gone, local._adopted_state[name])
      )
      address = (
        s.instance_id != null ?
        try(local._primary[name].private_ip_address, s.private_ip) :
        try(oci_core_instance.server[name].private_ip, s.private_ip)
      )
      subnet_id = local.subnets[name]
      hostname  = coalesce(s.hostname, name)
      availability_domain = (
        s.instance_id != null ?
        data.oci_core_instance.adopted[name].availability_domain :
        s.availability_domain
      )
    }
  }
}

# Also the gate of the whole stack: nothing else is planned when one of its preconditions fails.
data "oci_core_instances" "site" {
  compartment_id = var.compartment_id

  filter {
    name   = "freeform_tags.${local.server_tag}"
    values = keys(local.site.servers)
  }

  lifecycle {
    postcondition {
      condition = self.instances != null
      error_message = join(" ", [
        "404: the instances of compartment ${var.compartment_id} cannot be listed: ${local._no_answer}: allow the",
        "caller to read instances there.",
      ])
    }

    precondition {
      condition = length(local.site.servers) > 0
      error_message = join(" ", [
        "No server is described: give servers one entry or more or, in the form, choose the server of today and its",
        "replacement.",
      ])
    }

    precondition {
      condition = (
        length(local.site.servers) == 0 ||
        local._active_is_empty ||
        contains(keys(local.site.servers), var.active_server)
      )
      error_message = join(" ", [
        "active_server is \"${var.active_server}\", which is not one of servers",
        "(${join(", ", keys(local.site.servers))}): correct it in active.auto.tfvars, or add the server.",
      ])
    }

    precondition {
      condition = length(local.site.servers) == 0 || !local._active_is_empty
      error_message = join(" ", [
        "${var.active_server} has neither an instance nor an image: choose the instance that it is, or the image to",
        "launch it from.",
      ])
    }

    precondition {
      condition = length(var.servers) > 0 || var.server_name != var.replacement_name
      error_message = (
        "server_name and replacement_name are both \"${var.server_name}\": give the replacement a name of its own."
      )
    }

    precondition {
      condition = length(distinct([for _, s in local._adopted : s.instance_id])) == length(local._adopted)
      error_message = join(" ", [
        "Two of servers are the same instance:",
        "${join(", ", [for name, s in local._adopted : "${name} is ${s.instance_id}"])}. Give each its own.",
      ])
    }

    precondition {
      condition = alltrue([
        for _, s in local.site.servers :
        s.image_id == null || (s.shape != null && s.availability_domain != null && s.subnet_id != null)
      ])
      error_message = join(" ", [
        join(", ", [
          for name, s in local.site.servers : name
          if s.image_id != null && (s.shape == null || s.availability_domain == null || s.subnet_id == null)
        ]),
        "has an image and also needs a shape, an availability domain (the one of the volumes) and a subnet.",
      ])
    }

    precondition {
      condition = length(setsubtract(var.launch, keys(local.site.servers))) == 0
      error_message = join(" ", [
        "launch names ${join(", ", setsubtract(var.launch, keys(local.site.servers)))}, not in servers",
        "(${join(", ", keys(local.site.servers))}): correct launch, or add the server.",
      ])
    }

    precondition {
      condition = length(local.site.volumes) >= 1 && length(local.site.volumes) <= 32
      error_message = join(" ", [
        "${length(local.site.volumes)} volumes are described, and 1 to 32 can be: an instance takes at most 32",
        "attached volumes. Correct volumes or, in the form, the volumes' OCIDs.",
      ])
    }

    precondition {
      condition = var.nfs_grace_seconds >= var.nfs_lease_seconds
      error_message = join(" ", [
        "nfs_grace_seconds is ${var.nfs_grace_seconds}, and nfs_lease_seconds is ${var.nfs_lease_seconds}:",
        "clients could not take their locks back in time. Make the grace at least as long as the lease.",
      ])
    }

    precondition {
      condition = alltrue([for e in local.site.exports : length(e.clients) > 0])
      error_message = join(" ", [
        "Nobody may mount ${join(", ", [for e in local.site.exports : e.path if length(e.clients) == 0])}: list the",
        "networks of its clients, such as \"10.0.0.0/16\".",
      ])
    }

    precondition {
      condition = (
        length(setsubtract(flatten([for _, g in local.site.volume_groups : g.volumes]), keys(local.site.volumes))) ==
        0
      )
      error_message = join(" ", [
        "storage.volume_groups lists",
        format("%s,", join(", ", setsubtract(
          flatten([for _, g in local.site.volume_groups : g.volumes]), keys(local.site.volumes)
        ))),
        "not in volumes (${join(", ", keys(local.site.volumes))}): correct the list, or add the volume.",
      ])
    }

    precondition {
      condition = alltrue([
        for _, f in local.site.filesystems : contains(keys(local.site.volumes), f.volume) if f.volume != null
      ])
      error_message = join(" ", [
        "volume of the filesystem on",
        join(", ", [
          for _, f in local.site.filesystems : "${f.mount} is ${coalesce(f.volume, "-")}"
          if !contains(concat(keys(local.site.volumes), ["-"]), coalesce(f.volume, "-"))
        ]),
        "and not in volumes (${join(", ", keys(local.site.volumes))}): correct it, or add the volume.",
      ])
    }

    precondition {
      condition = (
        !local._form_has_storage || var.uses_lvm ||
        (length(local.site.volumes) == 1 && var.filesystem_uuid != "")
      )
      error_message = join(" ", [
        "The form's filesystem without LVM is on one data volume and is found by its UUID:",
        "${length(local.site.volumes)} volumes are chosen and the UUID is \"${var.filesystem_uuid}\". Correct them;",
        "more filesystems than one are described in the variable storage.",
      ])
    }
  }
}

data "oci_core_instance" "adopted" {
  for_each = local._adopted

  instance_id = each.value.instance_id
}

data "oci_core_vnic_attachments" "adopted" {
  for_each = local._readable

  compartment_id = data.oci_core_instance.adopted[each.key].compartment_id
  instance_id    = each.value.instance_id

  filter {
    name   = "state"
    values = ["ATTACHED"]
  }

  lifecycle {
    postcondition {
      condition = self.vnic_attachments != null
      error_message = join(" ", [
        "404: the VNICs of ${each.key} cannot be listed: ${local._no_answer}: allow the caller to inspect",
        "vnic-attachments in its compartment.",
      ])
    }
  }
}

data "oci_core_vnic" "adopted" {
  for_each = local._adopted_vnics

  vnic_id = each.value.vnic_id

  lifecycle {
    postcondition {
      condition = self.is_primary != null
      error_message = join(" ", [
        "404: VNIC ${each.value.vnic_id} of ${each.value.name} cannot be read: ${local._no_answer}: allow the caller",
        "to read vnics in its compartment.",
      ])
    }
  }
}

resource "oci_core_instance" "server" {
  for_each = local._launched

  compartment_id      = var.compartment_id
  availability_domain = each.value.availability_domain
  fault_domain        = each.value.fault_domain
  # nothing else guarantees that a host is there in the worst hour
  capacity_reservation_id = each.value.capacity_reservation_id
  display_name            = each.key
  shape                   = each.value.shape
  preserve_boot_volume    = true # what a dead server leaves behind is kept for whoever asks why
  freeform_tags           = merge(each.value.tags, { (local.server_tag) = each.key })
  defined_tags            = each.value.defined_tags
  metadata                = local.metadata

  dynamic "shape_config" {
    for_each = each.value.shape_config[*]
    content {
      ocpus         = shape_config.value.ocpus
      memory_in_gbs = shape_config.value.memory_in_gbs
    }
  }

  agent_config {
    dynamic "plugins_config" {
      for_each = each.value.agent_plugins
      content {
        name          = plugins_config.key
        desired_state = plugins_config.value
      }
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
    ignore_changes = [
      metadata, source_details, create_vnic_details, agent_config, capacity_reservation_id, defined_tags
    ]

    precondition {
      condition = length(local._found[each.key]) <= 1
      error_message = join(" ", [
        "${length(local._found[each.key])} instances carry the tag ${local.server_tag} = \"${each.key}\"",
        "(${join(", ", local._found[each.key])}): terminate the ones that are not ${each.key}, or remove their tag.",
      ])
    }

    precondition {
      condition = local._user_data != ""
      error_message = join(" ", [
        "terraform/rendered/user_data is missing, and ${each.key} would be launched without its hooks: run `invoke",
        "render` first.",
      ])
    }

    precondition {
      condition = local._metadata_bytes <= local._metadata_limit
      error_message = join(" ", [
        "The metadata of ${each.key} is ${local._metadata_bytes} bytes, more than OCI's ${local._metadata_limit}:",
        "shorten ssh_authorized_keys, hooks_url or storage.",
      ])
    }
  }
}
