# The site's parts as typed variables, and what programs alone set. What a person fills in is in form.tf, which has the
# parts as flat fields too, for Resource Manager's form.

variable "config_file_profile" {
  type        = string
  description = <<-EOT
    Profile of ~/.oci/config for Terraform by hand; null takes the provider's default. The programs give the provider
    the profile of their site file instead. Leave it null in Resource Manager.
  EOT
  default     = null

  validation {
    condition     = var.config_file_profile == null || can(regex("^[A-Za-z0-9_.-]*$", var.config_file_profile))
    error_message = "config_file_profile must be the name of a section of ~/.oci/config, without brackets."
  }
}

variable "switch" {
  type = object({
    by   = string
    at   = string
    door = string
  })
  description = <<-EOT
    Who makes active_server the active one, when (RFC 3339, UTC) and through which door (cli or gitops): set by the
    programs that apply this stack for the record of the last switch. Leave it null.
  EOT
  default     = null

  validation {
    condition     = var.switch == null || can(timeadd(var.switch.at, "0s"))
    error_message = "at in switch must be a moment such as \"2026-11-22T03:14:15Z\"."
  }

  validation {
    condition     = var.switch == null || contains(["cli", "gitops", "console"], try(var.switch.door, ""))
    error_message = "door in switch must be cli, gitops or console."
  }

  validation {
    condition     = var.switch == null || can(regex("^[^[:cntrl:]]{1,200}$", var.switch.by))
    error_message = "by in switch must name a person or a job in at most 200 printable characters."
  }
}

variable "current_user_ocid" {
  type        = string
  description = "Filled in by Resource Manager: the user whose job this is, for the record of the last switch."
  default     = null

  validation {
    condition = (
      var.current_user_ocid == null ||
      can(regex("^ocid1\\.[a-z0-9.]+\\.[A-Za-z0-9._-]*$", var.current_user_ocid))
    )
    error_message = "current_user_ocid must be the OCID of a user; leave it out, Resource Manager fills it in."
  }
}

variable "launch" {
  type        = set(string)
  description = <<-EOT
    Names of servers to launch now although they are not active, so that a later switch finds them running.
  EOT
  default     = []
  nullable    = false
}

variable "launch_only" {
  type        = bool
  description = <<-EOT
    Whether launch is all that this apply is for: a volume that is attached to no server stays so. For programs, and for
    one apply.
  EOT
  default     = false
  nullable    = false
}

variable "servers" {
  type = map(object({
    instance_id    = optional(string)
    compartment_id = optional(string)
    image_id       = optional(string)
    shape          = optional(string)
    shape_config = optional(object({
      ocpus         = number
      memory_in_gbs = optional(number)
    }))
    availability_domain     = optional(string)
    fault_domain            = optional(string)
    subnet_id               = optional(string)
    nsg_ids                 = optional(set(string), [])
    private_ip              = optional(string)
    hostname                = optional(string)
    boot_volume_size_in_gbs = optional(number)
    capacity_reservation_id = optional(string)
    agent_plugins           = optional(map(string), { "Block Volume Management" = "DISABLED" })
    tags                    = optional(map(string), {})
    defined_tags            = optional(map(string))
    standby                 = optional(bool, false)
    secondary_vnics = optional(map(object({
      subnet_id              = string
      nic_index              = optional(number)
      private_ip             = optional(string)
      nsg_ids                = optional(set(string), [])
      hostname               = optional(string)
      skip_source_dest_check = optional(bool, false)
    })), {})
  }))
  description = <<-EOT
    Servers by name. Each is adopted (instance_id) or launched from an image (image_id, shape, availability_domain,
    subnet_id) when it is active, standby = true, or named in launch. compartment_id: of an adopted instance that is in
    another compartment than the stack's. secondary_vnics: of a launched server, by a name of your choice, beside the
    one in subnet_id; nic_index is 1 on bare metal and 0 on virtual machines unless given; those of an adopted server
    are read. Empty: the form's two servers.
  EOT
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([for name, _ in var.servers : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = join(" ", [
      "Each name in servers must be a hostname label: lower-case letters, digits and dashes, at most 63, beginning",
      "with a letter.",
    ])
  }

  validation {
    condition = alltrue([for _, s in var.servers : (s.instance_id == null) != (s.image_id == null)])
    error_message = join(" ", [
      "Each of servers needs exactly one of instance_id (an instance that exists, to adopt) and image_id (to launch",
      "it from).",
    ])
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.instance_id == null ||
      can(regex("^ocid1\\.instance\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", s.instance_id))
    ])
    error_message = "instance_id in servers must be the OCID of an instance (\"ocid1.instance.oc1...\")."
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.compartment_id == null ||
      (s.instance_id != null && can(regex(
        "^ocid1\\.(compartment|tenancy)\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", s.compartment_id
      )))
    ])
    error_message = join(" ", [
      "compartment_id in servers must be the OCID of the compartment that an adopted instance is in; what is",
      "launched here lives in the stack's own.",
    ])
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.image_id == null || can(regex("^ocid1\\.image\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", s.image_id))
    ])
    error_message = (
      "image_id in servers must be the OCID of an image (\"ocid1.image.oc1...\"), a custom image of the server."
    )
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.image_id == null || (s.shape != null && s.availability_domain != null && s.subnet_id != null)
    ])
    error_message = (
      "A server with image_id also needs shape, availability_domain (the one of the volumes) and subnet_id."
    )
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.subnet_id == null || can(regex("^ocid1\\.subnet\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", s.subnet_id))
    ])
    error_message = "subnet_id in servers must be the OCID of a subnet (\"ocid1.subnet.oc1...\")."
  }

  validation {
    condition = alltrue(flatten([
      for _, s in var.servers : [
        for id in s.nsg_ids :
        can(regex("^ocid1\\.networksecuritygroup\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", id))
      ]
    ]))
    error_message = (
      "nsg_ids in servers must be OCIDs of network security groups (\"ocid1.networksecuritygroup.oc1...\")."
    )
  }

  validation {
    condition     = alltrue([for _, s in var.servers : s.private_ip == null || can(cidrhost("${s.private_ip}/32", 0))])
    error_message = "private_ip in servers must be an IPv4 address such as \"10.0.0.12\"."
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.hostname == null || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", s.hostname))
    ])
    error_message = join(" ", [
      "hostname in servers must be a hostname label: lower-case letters, digits and dashes, at most 63, beginning",
      "with a letter.",
    ])
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.shape == null || can(regex("^[A-Za-z0-9]+(\\.[A-Za-z0-9_-]+)+$", s.shape))
    ])
    error_message = "shape in servers must be the name of a shape, such as \"BM.Optimized3.36\"."
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.availability_domain == null || can(regex("^[A-Za-z0-9:._-]+$", s.availability_domain))
    ])
    error_message = join(" ", [
      "availability_domain in servers must be the full name of an availability domain, such as",
      "\"Uocm:AP-TOKYO-1-AD-1\".",
    ])
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.fault_domain == null || can(regex("^FAULT-DOMAIN-[1-3]$", s.fault_domain))
    ])
    error_message = "fault_domain in servers must be FAULT-DOMAIN-1, FAULT-DOMAIN-2 or FAULT-DOMAIN-3."
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.shape_config == null || try(s.shape_config.ocpus > 0 && coalesce(s.shape_config.memory_in_gbs, 1) > 0, false)
    ])
    error_message = join(" ", [
      "shape_config in servers needs ocpus and memory_in_gbs above 0 (flexible shapes only; leave it out for bare",
      "metal).",
    ])
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.boot_volume_size_in_gbs == null ||
      try(s.boot_volume_size_in_gbs >= 50 && s.boot_volume_size_in_gbs <= 32768, false)
    ])
    error_message = "boot_volume_size_in_gbs in servers must be from 50 to 32768, or left out for the image's own size."
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      s.capacity_reservation_id == null ||
      can(regex("^ocid1\\.capacityreservation\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", s.capacity_reservation_id))
    ])
    error_message = join(" ", [
      "capacity_reservation_id in servers must be the OCID of a capacity reservation",
      "(\"ocid1.capacityreservation.oc1...\").",
    ])
  }

  validation {
    condition = alltrue(flatten([
      for _, s in var.servers : [
        for name, state in s.agent_plugins :
        contains(["ENABLED", "DISABLED"], state) && can(regex("^[A-Za-z0-9][A-Za-z0-9 :&()-]{0,99}$", name))
      ]
    ]))
    error_message = join(" ", [
      "agent_plugins in servers must map names of Oracle Cloud Agent plugins, such as \"Bastion\", to \"ENABLED\" or",
      "\"DISABLED\".",
    ])
  }

  validation {
    condition = alltrue([
      for _, s in var.servers :
      lookup(s.agent_plugins, "Block Volume Management", "DISABLED") == "DISABLED"
    ])
    error_message = join(" ", [
      "agent_plugins in servers must leave \"Block Volume Management\" DISABLED: it logs in to volumes by itself,",
      "and a login has one owner, the hooks.",
    ])
  }

  validation {
    condition     = alltrue([for _, s in var.servers : !contains(keys(s.tags), "nfs-failover-server")])
    error_message = "tags in servers must not have nfs-failover-server: by that tag this stack finds its servers again."
  }

  validation {
    condition = alltrue(flatten([
      for _, s in var.servers : [
        for key, _ in coalesce(s.defined_tags, {}) : can(regex("^[^. ]+\\.[^. ]+$", key))
      ]
    ]))
    error_message = "defined_tags in servers must have keys of the form \"Namespace.Key\"."
  }

  validation {
    condition = alltrue([for _, s in var.servers : s.instance_id == null || length(s.secondary_vnics) == 0])
    error_message = join(" ", [
      "secondary_vnics in servers are those that a launched server gets; what an adopted one has is read: leave",
      "them out.",
    ])
  }

  validation {
    condition = alltrue(flatten([
      for _, s in var.servers : [
        for _, v in s.secondary_vnics :
        can(regex("^ocid1\\.subnet\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", v.subnet_id))
      ]
    ]))
    error_message = "subnet_id in secondary_vnics must be the OCID of a subnet (\"ocid1.subnet.oc1...\")."
  }

  validation {
    condition = alltrue(flatten([
      for _, s in var.servers : [
        for _, v in s.secondary_vnics :
        v.nic_index == null || try(contains([0, 1], v.nic_index), false)
      ]
    ]))
    error_message = "nic_index in secondary_vnics must be 0 or 1, the physical NIC of a bare-metal server."
  }

  validation {
    condition = alltrue(flatten([
      for _, s in var.servers : [
        for _, v in s.secondary_vnics :
        v.private_ip == null || can(cidrhost("${v.private_ip}/32", 0))
      ]
    ]))
    error_message = "private_ip in secondary_vnics must be an IPv4 address such as \"10.0.2.12\"."
  }

  validation {
    condition = alltrue(flatten([
      for _, s in var.servers : [
        for _, v in s.secondary_vnics : [
          for id in v.nsg_ids :
          can(regex("^ocid1\\.networksecuritygroup\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", id))
        ]
      ]
    ]))
    error_message = join(" ", [
      "nsg_ids in secondary_vnics must be OCIDs of network security groups",
      "(\"ocid1.networksecuritygroup.oc1...\").",
    ])
  }

  validation {
    condition = alltrue(flatten([
      for _, s in var.servers : [
        for _, v in s.secondary_vnics :
        v.hostname == null || can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", v.hostname))
      ]
    ]))
    error_message = join(" ", [
      "hostname in secondary_vnics must be a hostname label: lower-case letters, digits and dashes, at most 63,",
      "beginning with a letter.",
    ])
  }

  validation {
    condition = alltrue(flatten([
      for _, s in var.servers : [for name, _ in s.secondary_vnics : can(regex("^[A-Za-z0-9_-]{1,63}$", name))]
    ]))
    error_message = "Each name in secondary_vnics must be letters, digits, \"_\" and \"-\", at most 63."
  }
}

variable "volumes" {
  type = map(object({
    volume_id           = optional(string)
    availability_domain = optional(string)
    size_in_gbs         = optional(number)
    vpus_per_gb         = optional(number)
    display_name        = optional(string)
  }))
  description = <<-EOT
    Data volumes by name. Each exists (volume_id) or is made here (availability_domain, size_in_gbs). None is ever
    destroyed by this stack. Empty: the form's volume_ids.
  EOT
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([for name, _ in var.volumes : can(regex("^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$", name))])
    error_message = join(" ", [
      "Each name in volumes must be letters, digits, \"_\", \".\" and \"-\", at most 63, beginning with a letter or",
      "digit.",
    ])
  }

  validation {
    condition = alltrue([
      for _, v in var.volumes :
      v.volume_id == null || can(regex("^ocid1\\.volume\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", v.volume_id))
    ])
    error_message = (
      "volume_id in volumes must be the OCID of a block volume (\"ocid1.volume.oc1...\"), not of a boot volume."
    )
  }

  validation {
    condition = (
      length(distinct([for _, v in var.volumes : v.volume_id if v.volume_id != null])) ==
      length([for _, v in var.volumes : v.volume_id if v.volume_id != null])
    )
    error_message = "Two of volumes have the same volume_id: give each volume one name."
  }

  validation {
    condition = alltrue([
      for _, v in var.volumes :
      v.volume_id != null || (v.availability_domain != null && v.size_in_gbs != null)
    ])
    error_message = join(" ", [
      "A volume without volume_id is made here and needs availability_domain (the one of the servers) and",
      "size_in_gbs.",
    ])
  }

  validation {
    condition = alltrue([
      for _, v in var.volumes :
      v.availability_domain == null || can(regex("^[A-Za-z0-9:._-]+$", v.availability_domain))
    ])
    error_message = join(" ", [
      "availability_domain in volumes must be the full name of an availability domain, such as",
      "\"Uocm:AP-TOKYO-1-AD-1\".",
    ])
  }

  validation {
    condition = alltrue([
      for _, v in var.volumes :
      v.size_in_gbs == null ||
      try(v.size_in_gbs >= 50 && v.size_in_gbs <= 32768 && floor(v.size_in_gbs) == v.size_in_gbs, false)
    ])
    error_message = "size_in_gbs in volumes must be a whole number from 50 to 32768."
  }

  validation {
    condition = alltrue([
      for _, v in var.volumes :
      v.vpus_per_gb == null || try(v.vpus_per_gb >= 0 && v.vpus_per_gb <= 20 && v.vpus_per_gb % 10 == 0, false)
    ])
    error_message = join(" ", [
      "vpus_per_gb in volumes must be 0, 10 or 20: ultra-high-performance volumes (30 and more) need multipath,",
      "which is not supported.",
    ])
  }

  validation {
    condition = alltrue([
      for _, v in var.volumes :
      v.display_name == null || can(regex("^[A-Za-z0-9 _.:-]{1,255}$", v.display_name))
    ])
    error_message = "display_name in volumes must be 1 to 255 letters, digits, spaces, \"_\", \".\", \":\" and \"-\"."
  }
}

variable "storage" {
  type = object({
    volume_groups = optional(map(object({
      volumes = list(string)
    })), {})
    filesystems = map(object({
      volume_group   = optional(string)
      logical_volume = optional(string)
      volume         = optional(string)
      mount          = string
      type           = optional(string, "xfs")
      options        = optional(string, "defaults,_netdev,nofail")
      uuid           = optional(string)
    }))
    exports = list(object({
      path    = string
      clients = list(string)
      options = optional(string, "rw,sync,no_subtree_check")
      fsid    = optional(number)
    }))
  })
  description = <<-EOT
    What lies on the volumes: LVM volume groups by name, filesystems by a name of your choice (on a logical volume, or
    without LVM straight on a volume, then with its uuid), and what is exported over NFS to whom. Neither volume_groups
    nor filesystems: the form's one filesystem.
  EOT
  default     = { volume_groups = {}, filesystems = {}, exports = [] }
  nullable    = false

  validation {
    condition = alltrue([
      for name, _ in var.storage.volume_groups :
      can(regex("^[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,126}$", name))
    ])
    error_message = join(" ", [
      "Each name in storage.volume_groups must be an LVM name as `vgs` shows it: letters, digits, \"_\", \".\",",
      "\"+\" and \"-\", at most 127.",
    ])
  }

  validation {
    condition = alltrue([for _, g in var.storage.volume_groups : length(g.volumes) > 0])
    error_message = (
      "Each of storage.volume_groups must list all of its volumes: a group is activated only when it is complete."
    )
  }

  validation {
    condition = (
      length(distinct(flatten([for _, g in var.storage.volume_groups : g.volumes]))) ==
      length(flatten([for _, g in var.storage.volume_groups : g.volumes]))
    )
    error_message = "A volume is listed twice in storage.volume_groups: it can belong to one group only."
  }

  validation {
    condition = alltrue([
      for _, f in var.storage.filesystems :
      f.volume == null ?
      f.volume_group != null && f.logical_volume != null :
      f.volume_group == null && f.logical_volume == null
    ])
    error_message = join(" ", [
      "Each of storage.filesystems needs either volume_group and logical_volume or, without LVM, volume: the name in",
      "volumes of what it lies on, as a whole or in a partition.",
    ])
  }

  validation {
    condition = alltrue([for _, f in var.storage.filesystems : f.volume == null || f.uuid != null])
    error_message = join(" ", [
      "A filesystem with volume in storage.filesystems also needs uuid, by which it is found on the volume:",
      "`blkid -s UUID -o value /dev/sdX` shows it.",
    ])
  }

  validation {
    condition = (
      length(distinct([for _, f in var.storage.filesystems : f.uuid if f.uuid != null])) ==
      length([for _, f in var.storage.filesystems : f.uuid if f.uuid != null])
    )
    error_message = join(" ", [
      "Two of storage.filesystems have the same uuid: correct one. Where one is a clone of the other, give it a UUID",
      "of its own first (`xfs_admin -U generate`, `tune2fs -U random`).",
    ])
  }

  validation {
    condition = alltrue([
      for _, f in var.storage.filesystems :
      !contains(flatten([for _, g in var.storage.volume_groups : g.volumes]), f.volume)
      if f.volume != null
    ])
    error_message = join(" ", [
      "A volume is in storage.volume_groups and has a filesystem of storage.filesystems straight on it: it can be",
      "only one of the two.",
    ])
  }

  validation {
    condition = alltrue([
      for _, f in var.storage.filesystems :
      contains(keys(var.storage.volume_groups), f.volume_group)
      if f.volume_group != null
    ])
    error_message = "volume_group in storage.filesystems must be one of the names in storage.volume_groups."
  }

  validation {
    condition = alltrue([
      for _, f in var.storage.filesystems :
      f.logical_volume == null || can(regex("^[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,126}$", f.logical_volume))
    ])
    error_message = join(" ", [
      "logical_volume in storage.filesystems must be an LVM name as `lvs` shows it: letters, digits, \"_\", \".\",",
      "\"+\" and \"-\", at most 127.",
    ])
  }

  validation {
    condition = alltrue([
      for _, f in var.storage.filesystems :
      can(regex("^(/[A-Za-z0-9_+@][A-Za-z0-9_.+@-]*)+$", f.mount))
    ])
    error_message = join(" ", [
      "mount in storage.filesystems must be an absolute path of letters, digits, \"_\", \".\", \"+\", \"@\" and \"-\",",
      "without a slash at the end, such as \"/mnt/a\".",
    ])
  }

  validation {
    condition     = length(distinct([for _, f in var.storage.filesystems : f.mount])) == length(var.storage.filesystems)
    error_message = "Two of storage.filesystems have the same mount: give each its own."
  }

  validation {
    condition     = alltrue([for _, f in var.storage.filesystems : contains(["xfs", "ext4"], f.type)])
    error_message = "type in storage.filesystems must be xfs or ext4."
  }

  validation {
    condition = alltrue([
      for _, f in var.storage.filesystems :
      can(regex("^[A-Za-z0-9_.-]+(=[A-Za-z0-9_.:/@%+=-]+)?(,[A-Za-z0-9_.-]+(=[A-Za-z0-9_.:/@%+=-]+)?)*$", f.options)) &&
      contains(split(",", f.options), "nofail") && !contains(split(",", f.options), "ro")
    ])
    error_message = join(" ", [
      "options in storage.filesystems must be mount options joined by commas, nofail among them: a host that lacks",
      "its volumes must still boot. ro is none of them: export with ro what nobody is to write.",
    ])
  }

  validation {
    condition = alltrue([
      for _, f in var.storage.filesystems :
      f.uuid == null || can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", f.uuid))
    ])
    error_message = "uuid in storage.filesystems must be the UUID that `blkid` shows, in lower case, or be left out."
  }

  validation {
    condition = alltrue([for e in var.storage.exports : can(regex("^(/[A-Za-z0-9_+@][A-Za-z0-9_.+@-]*)+$", e.path))])
    error_message = join(" ", [
      "path in storage.exports must be an absolute path of letters, digits, \"_\", \".\", \"+\", \"@\" and \"-\",",
      "without a slash at the end, such as \"/mnt/a\".",
    ])
  }

  validation {
    condition = alltrue([
      for e in var.storage.exports :
      anytrue([for _, f in var.storage.filesystems : e.path == f.mount || startswith(e.path, "${f.mount}/")])
    ])
    error_message = join(" ", [
      "path in storage.exports must be the mount of one of storage.filesystems, or lie below one: anything else",
      "would not move with the volumes.",
    ])
  }

  validation {
    condition = alltrue([
      for e in var.storage.exports :
      length(e.clients) > 0 &&
      alltrue([
        for c in e.clients :
        can(cidrhost(c, 0)) ||
        can(cidrhost("${c}/32", 0)) ||
        can(regex(
          "^([0-9]{1,3}\\.){3}[0-9]{1,3}/(25[245]|24[08]|224|192|128|0)(\\.(25[245]|24[08]|224|192|128|0)){3}$",
          c
        )) ||
        can(regex("^(\\*|@[A-Za-z0-9_.-]+|[0-9]*[A-Za-z*?][A-Za-z0-9*?_-]*(\\.[A-Za-z0-9*?_-]+)*)$", c))
      ])
    ])
    error_message = join(" ", [
      "clients in storage.exports must list networks (\"10.0.0.0/16\", \"10.0.0.0/255.255.0.0\"), addresses, host",
      "names (\"*.hpc.example\"), netgroups (\"@clients\") or \"*\", the world.",
    ])
  }

  validation {
    condition = alltrue([
      for e in var.storage.exports :
      can(regex("^[a-z0-9_]+(=[A-Za-z0-9_.:/@+-]+)?(,[a-z0-9_]+(=[A-Za-z0-9_.:/@+-]+)?)*$", e.options))
    ])
    error_message = (
      "options in storage.exports must be exports(5) options joined by commas, such as \"rw,sync,no_subtree_check\"."
    )
  }

  validation {
    condition = alltrue([
      for e in var.storage.exports :
      e.fsid == null || try(e.fsid >= 0 && e.fsid <= 2147483647 && floor(e.fsid) == e.fsid, false)
    ])
    error_message = join(" ", [
      "fsid in storage.exports must be a whole number from 0 to 2147483647, the same on every server, or be left",
      "out.",
    ])
  }
}

variable "released" {
  type        = set(string)
  description = <<-EOT
    OCIDs of attachments that their server has given up, as somebody has just verified on it. For programs, and for one
    apply: a new attachment has a new OCID.
  EOT
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for id in var.released :
      can(regex("^ocid1\\.volumeattachment\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", id))
    ])
    error_message = "released must hold OCIDs of volume attachments (\"ocid1.volumeattachment.oc1...\")."
  }
}
