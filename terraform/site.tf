# The one place where the typed variables and the form's flat fields (form.tf: Resource Manager's form has no widget
# for a map or an object) become local.site, which all other files read.

locals {
  site = {
    servers       = merge(local._form_servers, var.servers)
    volumes       = merge(local._form_volumes, var.volumes)
    volume_groups = merge(local._form_storage.volume_groups, var.storage.volume_groups)
    filesystems   = merge(local._form_storage.filesystems, var.storage.filesystems)
    exports       = concat(local._form_storage.exports, var.storage.exports)
    service_ip    = var.service_ip == "" ? null : var.service_ip
    dns_name      = var.dns_name == "" ? null : var.dns_name
  }

  # Each part of the form counts only where its typed variable says nothing.
  _form_has_servers = length(var.servers) == 0
  _form_has_volumes = length(var.volumes) == 0
  _form_has_storage = length(var.storage.volume_groups) + length(var.storage.filesystems) == 0

  _no_server = {
    instance_id             = null
    compartment_id          = null
    image_id                = null
    shape                   = null
    shape_config            = null
    availability_domain     = null
    fault_domain            = null
    subnet_id               = null
    nsg_ids                 = toset([])
    private_ip              = null
    hostname                = null
    boot_volume_size_in_gbs = null
    capacity_reservation_id = null
    agent_plugins           = { "Block Volume Management" = "DISABLED" }
    tags                    = {}
    defined_tags            = null
    standby                 = false
    secondary_vnics         = {}
  }
  _form_adopted = {
    (var.replacement_name) = var.replacement_exists ? var.replacement_instance_id : ""
    (var.server_name)      = var.server_instance_id
  }
  _form_servers = merge(
    {
      for name, id in local._form_adopted : name => merge(local._no_server, { instance_id = id })
      if local._form_has_servers && id != ""
    },
    {
      for name in [var.replacement_name] : name => merge(local._no_server, {
        image_id            = var.replacement_image_id
        shape               = var.replacement_shape == "" ? null : var.replacement_shape
        shape_config        = one([for s in [local._form_shape_config] : s if var.replacement_is_flexible])
        availability_domain = var.replacement_availability_domain == "" ? null : var.replacement_availability_domain
        fault_domain        = var.replacement_fault_domain == "" ? null : var.replacement_fault_domain
        subnet_id           = var.replacement_subnet_id == "" ? null : var.replacement_subnet_id
        nsg_ids             = toset(compact([var.replacement_nsg_id]))
        private_ip          = var.replacement_private_ip == "" ? null : var.replacement_private_ip
        boot_volume_size_in_gbs = (
          var.replacement_boot_volume_size_in_gbs == 0 ?
          null :
          var.replacement_boot_volume_size_in_gbs
        )
        capacity_reservation_id = (
          var.replacement_capacity_reservation_id == "" ?
          null :
          var.replacement_capacity_reservation_id
        )
        standby = var.replacement_standby
        secondary_vnics = {
          for id in compact([var.replacement_secondary_subnet_id]) : "secondary" => {
            subnet_id              = id
            nic_index              = var.replacement_secondary_nic_index
            private_ip             = one(compact([var.replacement_secondary_private_ip]))
            nsg_ids                = toset(compact([var.replacement_nsg_id]))
            hostname               = null
            skip_source_dest_check = false
          }
        }
      })
      if local._form_has_servers && !var.replacement_exists && var.replacement_image_id != ""
    },
  )
  _form_shape_config = { ocpus = var.replacement_ocpus, memory_in_gbs = var.replacement_memory_in_gbs }

  # Named by their OCIDs, not by their places: a list put in another order must not detach anything.
  _form_volumes = {
    for id in var.volume_ids : "bv-${substr(id, -8, -1)}" => {
      volume_id           = id
      availability_domain = null
      size_in_gbs         = null
      vpus_per_gb         = null
      display_name        = null
    }
    if local._form_has_volumes
  }

  _form_storage = {
    volume_groups = {
      for name in [var.volume_group_name] : name => { volumes = keys(local._form_volumes) }
      if local._form_has_storage && var.uses_lvm
    }
    filesystems = {
      for name in ["form"] : name => {
        volume_group   = var.uses_lvm ? var.volume_group_name : null
        logical_volume = var.uses_lvm ? var.logical_volume_name : null
        volume         = var.uses_lvm ? null : try(keys(local._form_volumes)[0], null)
        mount          = var.mount_path
        type           = var.filesystem_type
        options        = "defaults,_netdev,nofail"
        uuid           = var.filesystem_uuid == "" ? null : var.filesystem_uuid
      }
      if local._form_has_storage
    }
    exports = [
      for path in [var.mount_path] : {
        path    = path
        clients = var.export_clients
        options = var.export_options
        fsid    = var.export_fsid
      }
      if local._form_has_storage
    ]
  }
}
