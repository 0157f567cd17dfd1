# The site as flat fields, for Resource Manager's form, which has no widget for a map or an object; and the one
# place where they and the typed variables become local.site, which all other files read.

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
  _form_has_storage = length(var.storage.volume_groups) == 0

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
      if local._form_has_storage
    }
    filesystems = {
      for name in [var.logical_volume_name] : name => {
        volume_group   = var.volume_group_name
        logical_volume = name
        mount          = var.mount_path
        type           = var.filesystem_type
        options        = "defaults,_netdev,nofail"
        uuid           = null
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

variable "server_name" {
  type        = string
  description = "Form: name of the server of today. It counts, as all of the form's servers, when `servers` is empty."
  default     = "nfs-srv-1"
  nullable    = false

  validation {
    condition = can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.server_name))
    error_message = join(" ", [
      "server_name must be a hostname label: lower-case letters, digits and dashes, at most 63, beginning with a",
      "letter.",
    ])
  }
}

variable "server_instance_id" {
  type        = string
  description = "Form: OCID of the instance of the server of today."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.server_instance_id == "" ||
      can(regex("^ocid1\\.instance\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", var.server_instance_id))
    )
    error_message = "server_instance_id must be the OCID of an instance (\"ocid1.instance.oc1...\")."
  }
}

variable "volume_ids" {
  type        = list(string)
  description = "Form: OCIDs of the data volumes, all of them, in any order. They count when `volumes` is empty."
  default     = []
  nullable    = false

  validation {
    condition     = length(var.volume_ids) <= 32
    error_message = "volume_ids must have 1 to 32 entries: an instance takes at most 32 attached volumes."
  }

  validation {
    condition = alltrue([
      for id in var.volume_ids :
      can(regex("^ocid1\\.volume\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]{8,}$", id))
    ])
    error_message = join(" ", [
      "volume_ids must hold OCIDs of block volumes (\"ocid1.volume.oc1...\"), not of boot volumes: copy each from",
      "the volume's page.",
    ])
  }

  validation {
    condition     = length(distinct([for id in var.volume_ids : substr(id, -8, -1)])) == length(var.volume_ids)
    error_message = "Two of volume_ids are the same volume: list each once."
  }
}

variable "replacement_name" {
  type        = string
  description = "Form: name of the server that can take over."
  default     = "nfs-srv-2"
  nullable    = false

  validation {
    condition = can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.replacement_name))
    error_message = join(" ", [
      "replacement_name must be a hostname label: lower-case letters, digits and dashes, at most 63, beginning with",
      "a letter.",
    ])
  }
}

variable "replacement_exists" {
  type        = bool
  description = "Form: the replacement is an instance that exists already; false launches it from an image."
  default     = false
  nullable    = false
}

variable "replacement_instance_id" {
  type        = string
  description = "Form: OCID of the replacement's instance, when it exists already."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.replacement_instance_id == "" ||
      can(regex("^ocid1\\.instance\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", var.replacement_instance_id))
    )
    error_message = "replacement_instance_id must be the OCID of an instance (\"ocid1.instance.oc1...\")."
  }
}

variable "replacement_image_id" {
  type        = string
  description = "Form: OCID of the custom image that the replacement is launched from."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.replacement_image_id == "" ||
      can(regex("^ocid1\\.image\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", var.replacement_image_id))
    )
    error_message = "replacement_image_id must be the OCID of an image (\"ocid1.image.oc1...\")."
  }
}

variable "replacement_availability_domain" {
  type        = string
  description = "Form: availability domain of the replacement: the volumes' own."
  default     = ""
  nullable    = false

  validation {
    condition = can(regex("^[A-Za-z0-9:._-]*$", var.replacement_availability_domain))
    error_message = join(" ", [
      "replacement_availability_domain must be the full name of an availability domain, such as",
      "\"Uocm:AP-TOKYO-1-AD-1\".",
    ])
  }
}

variable "replacement_fault_domain" {
  type        = string
  description = "Form: fault domain of the replacement; empty lets OCI choose."
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(FAULT-DOMAIN-[1-3])?$", var.replacement_fault_domain))
    error_message = "replacement_fault_domain must be FAULT-DOMAIN-1, FAULT-DOMAIN-2 or FAULT-DOMAIN-3, or empty."
  }
}

variable "replacement_shape" {
  type        = string
  description = "Form: shape of the replacement."
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9]+(\\.[A-Za-z0-9_-]+)+)?$", var.replacement_shape))
    error_message = "replacement_shape must be the name of a shape, such as \"BM.Optimized3.36\"."
  }
}

variable "replacement_is_flexible" {
  type        = bool
  description = "Form: the shape is a flexible one, whose processors and memory are chosen."
  default     = false
  nullable    = false
}

variable "replacement_ocpus" {
  type        = number
  description = "Form: OCPUs of a replacement of flexible shape."
  default     = 16
  nullable    = false

  validation {
    condition     = var.replacement_ocpus > 0
    error_message = "replacement_ocpus must be above 0."
  }
}

variable "replacement_memory_in_gbs" {
  type        = number
  description = "Form: memory of a replacement of flexible shape, in GB."
  default     = 128
  nullable    = false

  validation {
    condition     = var.replacement_memory_in_gbs > 0
    error_message = "replacement_memory_in_gbs must be above 0."
  }
}

variable "replacement_boot_volume_size_in_gbs" {
  type        = number
  description = "Form: boot volume of the replacement, in GB; 0 takes the image's own size."
  default     = 0
  nullable    = false

  validation {
    condition = (
      var.replacement_boot_volume_size_in_gbs == 0 ||
      (var.replacement_boot_volume_size_in_gbs >= 50 && var.replacement_boot_volume_size_in_gbs <= 32768)
    )
    error_message = "replacement_boot_volume_size_in_gbs must be from 50 to 32768, or 0 for the image's own size."
  }
}

variable "replacement_capacity_reservation_id" {
  type        = string
  description = "Form: OCID of the capacity reservation that the replacement is launched in."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.replacement_capacity_reservation_id == "" ||
      can(regex(
        "^ocid1\\.capacityreservation\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$",
        var.replacement_capacity_reservation_id
      ))
    )
    error_message = join(" ", [
      "replacement_capacity_reservation_id must be the OCID of a capacity reservation",
      "(\"ocid1.capacityreservation.oc1...\"), or empty.",
    ])
  }
}

variable "replacement_standby" {
  type        = bool
  description = "Form: launch the replacement now and let it wait without volumes: no launch in the outage."
  default     = false
  nullable    = false
}

# tflint-ignore: terraform_unused_declarations # what the form's pickers of subnets and groups depend on
variable "vcn_id" {
  type        = string
  description = "Form: the network whose subnets and security groups the form offers; nothing else reads it."
  default     = ""
  nullable    = false
}

variable "replacement_subnet_id" {
  type        = string
  description = "Form: subnet of the replacement; with a service address, the one of the server of today."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.replacement_subnet_id == "" ||
      can(regex("^ocid1\\.subnet\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", var.replacement_subnet_id))
    )
    error_message = "replacement_subnet_id must be the OCID of a subnet (\"ocid1.subnet.oc1...\")."
  }
}

variable "replacement_nsg_id" {
  type        = string
  description = "Form: network security group of the replacement; empty for none."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.replacement_nsg_id == "" ||
      can(regex("^ocid1\\.networksecuritygroup\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", var.replacement_nsg_id))
    )
    error_message = join(" ", [
      "replacement_nsg_id must be the OCID of a network security group (\"ocid1.networksecuritygroup.oc1...\"), or",
      "empty.",
    ])
  }
}

variable "replacement_private_ip" {
  type        = string
  description = "Form: private address of the replacement; empty lets the subnet choose."
  default     = ""
  nullable    = false

  validation {
    condition     = var.replacement_private_ip == "" || can(cidrhost("${var.replacement_private_ip}/32", 0))
    error_message = "replacement_private_ip must be an IPv4 address such as \"10.0.0.12\", or empty."
  }
}

variable "volume_group_name" {
  type        = string
  description = "Form: the LVM volume group on the volumes, as `vgs` shows it. It counts, as all of the form's storage, when `storage` is empty."
  default     = "vg1"
  nullable    = false

  validation {
    condition = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,126}$", var.volume_group_name))
    error_message = join(" ", [
      "volume_group_name must be an LVM name as `vgs` shows it: letters, digits, \"_\", \".\", \"+\" and \"-\", at",
      "most 127.",
    ])
  }
}

variable "logical_volume_name" {
  type        = string
  description = "Form: the logical volume in it that has the filesystem, as `lvs` shows it."
  default     = "lv01"
  nullable    = false

  validation {
    condition = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,126}$", var.logical_volume_name))
    error_message = join(" ", [
      "logical_volume_name must be an LVM name as `lvs` shows it: letters, digits, \"_\", \".\", \"+\" and \"-\", at",
      "most 127.",
    ])
  }
}

variable "filesystem_type" {
  type        = string
  description = "Form: the filesystem's type, xfs or ext4."
  default     = "xfs"
  nullable    = false

  validation {
    condition     = contains(["xfs", "ext4"], var.filesystem_type)
    error_message = "filesystem_type must be xfs or ext4."
  }
}

variable "mount_path" {
  type        = string
  description = "Form: where the server mounts the filesystem, which is also the path that it exports."
  default     = "/mnt/a"
  nullable    = false

  validation {
    condition = can(regex("^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$", var.mount_path))
    error_message = join(" ", [
      "mount_path must be an absolute path of letters, digits, \"_\", \".\" and \"-\", without a slash at the end,",
      "such as \"/mnt/a\".",
    ])
  }
}

variable "export_clients" {
  type        = list(string)
  description = "Form: who may mount: networks, addresses or host names."
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for c in var.export_clients :
      can(cidrhost(c, 0)) ||
      can(cidrhost("${c}/32", 0)) ||
      can(regex("^(\\*\\.)?[A-Za-z][A-Za-z0-9-]*(\\.[A-Za-z0-9-]+)*$", c))
    ])
    error_message = "export_clients must list networks (\"10.0.0.0/16\"), addresses or host names."
  }
}

variable "export_options" {
  type        = string
  description = "Form: export options, as in exports(5)."
  default     = "rw,sync,no_subtree_check"
  nullable    = false

  validation {
    condition = can(regex(
      "^[a-z0-9_]+(=[A-Za-z0-9_.:/@-]+)?(,[a-z0-9_]+(=[A-Za-z0-9_.:/@-]+)?)*$", var.export_options
    ))
    error_message = "export_options must be exports(5) options joined by commas, such as \"rw,sync,no_subtree_check\"."
  }
}

variable "export_fsid" {
  type        = number
  description = "Form: the filesystem's number for NFS clients, the same on every server, so that their handles outlive the switch."
  default     = 1
  nullable    = false

  validation {
    condition     = var.export_fsid >= 0 && var.export_fsid <= 2147483647 && floor(var.export_fsid) == var.export_fsid
    error_message = "export_fsid must be a whole number from 0 to 2147483647."
  }
}
