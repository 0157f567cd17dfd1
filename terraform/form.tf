# Made by `invoke render` from form.toml, where each field is one row: correct that file, not this one.

variable "region" {
  type        = string
  description = "OCI region of the site, for example \"ap-tokyo-1\"."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.region))
    error_message = "region must be a region identifier such as \"ap-tokyo-1\": lower-case words joined by dashes."
  }
}

variable "compartment_id" {
  type        = string
  description = "OCID of the compartment of the launched servers, the made volumes and the attachments."
  nullable    = false

  validation {
    condition = (
      can(regex(
        "^ocid1\\.(compartment|tenancy)\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$",
        var.compartment_id
      ))
    )
    error_message = join(" ", [
      "compartment_id must be the OCID of a compartment: copy it from the console",
      "(\"ocid1.compartment.oc1..aaaa...\").",
    ])
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
      can(regex(
        "^ocid1\\.instance\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$",
        var.server_instance_id
      ))
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
    condition     = length(distinct([for id in var.volume_ids : substr(id, -8, -1)])) == length(var.volume_ids)
    error_message = "Two of volume_ids are the same volume: list each once."
  }

  validation {
    condition = alltrue([
      for one in var.volume_ids :
      can(regex("^ocid1\\.volume\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]{8,}$", one))
    ])
    error_message = join(" ", [
      "volume_ids must hold OCIDs of block volumes (\"ocid1.volume.oc1...\"), not of boot volumes: copy each from the",
      "volume's page.",
    ])
  }
}

variable "active_server" {
  type        = string
  description = "Name of the server that has the volumes. Changing it is the failover."
  nullable    = false

  validation {
    condition = can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.active_server))
    error_message = join(" ", [
      "active_server must be the name of one of servers: lower-case letters, digits and dashes, at most 63, beginning",
      "with a letter.",
    ])
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
      "replacement_name must be a hostname label: lower-case letters, digits and dashes, at most 63, beginning with a",
      "letter.",
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
      can(regex(
        "^ocid1\\.instance\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$",
        var.replacement_instance_id
      ))
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
      can(regex(
        "^ocid1\\.image\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$",
        var.replacement_image_id
      ))
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
    condition = (
      var.replacement_availability_domain == "" ||
      can(regex("^[A-Za-z0-9:._-]+$", var.replacement_availability_domain))
    )
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
    condition = (
      var.replacement_fault_domain == "" ||
      can(regex("^FAULT-DOMAIN-[1-3]$", var.replacement_fault_domain))
    )
    error_message = "replacement_fault_domain must be FAULT-DOMAIN-1, FAULT-DOMAIN-2 or FAULT-DOMAIN-3, or empty."
  }
}

variable "replacement_shape" {
  type        = string
  description = "Form: shape of the replacement."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.replacement_shape == "" ||
      can(regex("^[A-Za-z0-9]+(\\.[A-Za-z0-9_-]+)+$", var.replacement_shape))
    )
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
    condition     = var.replacement_ocpus >= 1 && floor(var.replacement_ocpus) == var.replacement_ocpus
    error_message = "replacement_ocpus must be above 0."
  }
}

variable "replacement_memory_in_gbs" {
  type        = number
  description = "Form: memory of a replacement of flexible shape, in GB."
  default     = 128
  nullable    = false

  validation {
    condition = (
      var.replacement_memory_in_gbs >= 1 &&
      floor(var.replacement_memory_in_gbs) == var.replacement_memory_in_gbs
    )
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

variable "ssh_authorized_keys" {
  type        = string
  description = "Public keys, one a line, that may log in as opc on launched servers."
  nullable    = false

  validation {
    condition = alltrue([
      for line in split("\n", trimspace(var.ssh_authorized_keys)) :
      can(regex(join("", [
        "^(ssh-(rsa|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\\.com",
        "|sk-ecdsa-sha2-nistp256@openssh\\.com) [A-Za-z0-9+/=]+( [^\\r\\n]*)?$",
      ]), trimspace(line)))
    ])
    error_message = join(" ", [
      "ssh_authorized_keys must hold public keys in OpenSSH form, one a line, such as the content of",
      "~/.ssh/id_ed25519.pub. A private key never belongs here.",
    ])
  }
}

variable "hooks_url" {
  type        = string
  description = <<-EOT
    Where a launched server finds the hooks that neither its image nor its volumes have: https://, for example a
    pre-authenticated request for the one object hooks.pyz. Only the file with the SHA-256 in cloud-init is run. Empty:
    nowhere else.
  EOT
  default     = ""
  nullable    = false
  sensitive   = true

  validation {
    condition = (
      var.hooks_url == "" ||
      can(regex("^https://[!-~]{1,1000}$", var.hooks_url))
    )
    error_message = "hooks_url must be an address that begins with https://, without spaces, or empty."
  }
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
  description = "Form: subnet of the replacement: the one of the server of today."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.replacement_subnet_id == "" ||
      can(regex(
        "^ocid1\\.subnet\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$",
        var.replacement_subnet_id
      ))
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
      can(regex(
        "^ocid1\\.networksecuritygroup\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$",
        var.replacement_nsg_id
      ))
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
    condition = (
      var.replacement_private_ip == "" ||
      can(cidrhost("${var.replacement_private_ip}/32", 0))
    )
    error_message = "replacement_private_ip must be an IPv4 address such as \"10.0.0.12\", or empty."
  }
}

variable "replacement_secondary_subnet_id" {
  type        = string
  description = "Form: subnet of a second VNIC of the replacement; empty for none."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.replacement_secondary_subnet_id == "" ||
      can(regex(
        "^ocid1\\.subnet\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$",
        var.replacement_secondary_subnet_id
      ))
    )
    error_message = "replacement_secondary_subnet_id must be the OCID of a subnet (\"ocid1.subnet.oc1...\"), or empty."
  }
}

variable "replacement_secondary_nic_index" {
  type        = number
  description = "Form: the physical NIC of that VNIC, 1 on bare metal and 0 on a virtual machine."
  default     = 1
  nullable    = false

  validation {
    condition = (
      var.replacement_secondary_nic_index >= 0 &&
      var.replacement_secondary_nic_index <= 1 &&
      floor(var.replacement_secondary_nic_index) == var.replacement_secondary_nic_index
    )
    error_message = "replacement_secondary_nic_index must be 0 or 1."
  }
}

variable "replacement_secondary_private_ip" {
  type        = string
  description = "Form: private address of that VNIC; empty lets the subnet choose."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.replacement_secondary_private_ip == "" ||
      can(cidrhost("${var.replacement_secondary_private_ip}/32", 0))
    )
    error_message = "replacement_secondary_private_ip must be an IPv4 address such as \"10.0.0.12\", or empty."
  }
}

variable "service_ip" {
  type        = string
  description = <<-EOT
    Optional address that clients mount from: a free address of a subnet that every server has a VNIC in; it follows the
    active server.
  EOT
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.service_ip == "" ||
      can(cidrhost("${var.service_ip}/32", 0))
    )
    error_message = "service_ip must be a free IPv4 address of the servers' subnet, such as \"10.0.0.100\", or empty."
  }
}

variable "dns_name" {
  type        = string
  description = <<-EOT
    Optional full name that clients mount from: an A record in dns_zone of service_ip, or of the active server's own
    address when there is no service_ip. A record that exists already is refused (409): import it first,
    docs/getting-started.md.
  EOT
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.dns_name == "" ||
      can(regex(
        "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        var.dns_name
      ))
    )
    error_message = "dns_name must be a full host name in lower case, such as \"nfs.hpc.example\", or empty."
  }
}

variable "dns_zone" {
  type        = string
  description = "The private DNS zone of dns_name: its OCID, or its name together with dns_view_id."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.dns_zone == "" ||
      can(regex(
        "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        var.dns_zone
      )) ||
      can(regex("^ocid1\\.dns-zone\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", var.dns_zone))
    )
    error_message = join(" ", [
      "dns_zone must be the OCID of a DNS zone (\"ocid1.dns-zone.oc1...\") or its name, such as \"hpc.example\", or",
      "empty.",
    ])
  }
}

variable "dns_view_id" {
  type        = string
  description = "The private view of dns_zone; needed when dns_zone is a name."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.dns_view_id == "" ||
      can(regex("^ocid1\\.dnsview\\.[a-z0-9-]+\\.[a-z0-9-]*\\.[A-Za-z0-9._-]+$", var.dns_view_id))
    )
    error_message = "dns_view_id must be the OCID of a DNS view (\"ocid1.dnsview.oc1...\"), or empty."
  }
}

variable "dns_ttl" {
  type        = number
  description = "Seconds for which resolvers may keep the address of dns_name."
  default     = 30
  nullable    = false

  validation {
    condition     = var.dns_ttl >= 1 && var.dns_ttl <= 86400 && floor(var.dns_ttl) == var.dns_ttl
    error_message = "dns_ttl must be a whole number of seconds from 1 to 86400."
  }
}

variable "uses_lvm" {
  type        = bool
  description = <<-EOT
    Form: whether the filesystem is on a logical volume; otherwise it is straight on the one data volume, and
    filesystem_uuid is needed.
  EOT
  default     = true
  nullable    = false
}

variable "volume_group_name" {
  type        = string
  description = <<-EOT
    Form: the LVM volume group on the volumes, as `vgs` shows it. It counts, as all of the form's storage, when
    `storage` is empty.
  EOT
  default     = "vg1"
  nullable    = false

  validation {
    condition = can(regex("^[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,126}$", var.volume_group_name))
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
    condition = can(regex("^[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,126}$", var.logical_volume_name))
    error_message = join(" ", [
      "logical_volume_name must be an LVM name as `vgs` shows it: letters, digits, \"_\", \".\", \"+\" and \"-\", at",
      "most 127.",
    ])
  }
}

variable "filesystem_uuid" {
  type        = string
  description = "Form: UUID of the filesystem, as `blkid` shows it. Without LVM it is found by that."
  default     = ""
  nullable    = false

  validation {
    condition = (
      var.filesystem_uuid == "" ||
      can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.filesystem_uuid))
    )
    error_message = "filesystem_uuid must be the UUID that `blkid` shows, in lower case, or be empty."
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
    condition = can(regex("^(/[A-Za-z0-9_+@][A-Za-z0-9_.+@-]*)+$", var.mount_path))
    error_message = join(" ", [
      "mount_path must be an absolute path of letters, digits, \"_\", \".\", \"+\", \"@\" and \"-\", without a slash",
      "at the end, such as \"/mnt/a\".",
    ])
  }
}

variable "export_clients" {
  type        = list(string)
  description = "Form: who may mount: networks, addresses, host names, netgroups, or * for the world."
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for one in var.export_clients :
      can(cidrhost(one, 0)) ||
      can(cidrhost("${one}/32", 0)) ||
      can(regex(
        "^([0-9]{1,3}\\.){3}[0-9]{1,3}/(25[245]|24[08]|224|192|128|0)(\\.(25[245]|24[08]|224|192|128|0)){3}$",
        one
      )) ||
      can(regex("^(\\*|@[A-Za-z0-9_.-]+|[0-9]*[A-Za-z*?][A-Za-z0-9*?_-]*(\\.[A-Za-z0-9*?_-]+)*)$", one))
    ])
    error_message = join(" ", [
      "export_clients must list networks (\"10.0.0.0/16\"), addresses, host names, netgroups (\"@clients\") or \"*\",",
      "the world.",
    ])
  }
}

variable "export_options" {
  type        = string
  description = "Form: export options, as in exports(5)."
  default     = "rw,sync,no_subtree_check"
  nullable    = false

  validation {
    condition = (
      can(regex(
        "^[a-z0-9_]+(=[A-Za-z0-9_.:/@+-]+)?(,[a-z0-9_]+(=[A-Za-z0-9_.:/@+-]+)?)*$",
        var.export_options
      ))
    )
    error_message = "export_options must be exports(5) options joined by commas, such as \"rw,sync,no_subtree_check\"."
  }
}

variable "export_fsid" {
  type        = number
  description = <<-EOT
    Form: the filesystem's number for NFS clients, the same on every server, so that their handles outlive the switch.
  EOT
  default     = 1
  nullable    = false

  validation {
    condition = (
      var.export_fsid >= 0 &&
      var.export_fsid <= 2147483647 &&
      floor(var.export_fsid) == var.export_fsid
    )
    error_message = "export_fsid must be a whole number from 0 to 2147483647."
  }
}

variable "settings_files" {
  type        = list(string)
  description = <<-EOT
    Further files, or folders of *.conf files, in /etc that move with the data, such as "/etc/sysctl.d/90-nfs.conf".
    nfs.conf, nfs.conf.d, idmapd.conf, projects, projid and the settings of nfsd and rpc.rquotad in /etc/sysconfig and
    /etc/default do so in any case.
  EOT
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for one in var.settings_files :
      can(regex("^/etc(/[A-Za-z0-9_+@][A-Za-z0-9._+@-]*){1,8}$", one)) &&
      !can(regex("^/etc/(ssh|pam[.]d|security|sudoers[^/]*|cron[^/]*|ld[.]so[^/]*)(/|$)", one)) &&
      !can(regex("^/etc/(g?shadow|passwd|group)-?$", one)) &&
      !can(regex("([.]key|[.]pem|keytab)$", one))
    ])
    error_message = join(" ", [
      "settings_files must list paths in /etc that have no secret and give no rights, such as",
      "\"/etc/sysctl.d/90-nfs.conf\": no keys, no shadow, passwd or sudoers, nothing of ssh, PAM or cron.",
    ])
  }
}

variable "keep_locks" {
  type        = bool
  description = <<-EOT
    Locks of clients, and open files of NFSv4, outlive a takeover: nfsd's and rpc.statd's records of their clients lie
    on the first filesystem, and every server answers under one name. For clients that mount by the service's address.
    It starts nfsd anew once.
  EOT
  default     = false
  nullable    = false
}

variable "nfs_lease_seconds" {
  type        = number
  description = "With keep_locks: a client of NFSv4 that has been silent for so long may lose its locks."
  default     = 30
  nullable    = false

  validation {
    condition = (
      var.nfs_lease_seconds >= 10 &&
      var.nfs_lease_seconds <= 90 &&
      floor(var.nfs_lease_seconds) == var.nfs_lease_seconds
    )
    error_message = "nfs_lease_seconds must be a whole number from 10 to 90."
  }
}

variable "nfs_grace_seconds" {
  type        = number
  description = <<-EOT
    With keep_locks: for so long after a takeover clients take their locks back, and nobody gets new ones. It ends early
    when all have done so. At least nfs_lease_seconds.
  EOT
  default     = 45
  nullable    = false

  validation {
    condition = (
      var.nfs_grace_seconds >= 10 &&
      var.nfs_grace_seconds <= 180 &&
      floor(var.nfs_grace_seconds) == var.nfs_grace_seconds
    )
    error_message = "nfs_grace_seconds must be a whole number from 10 to 180."
  }
}

variable "fence" {
  type        = string
  description = <<-EOT
    What must be true of a server before its volumes are taken from it: "power", it is STOPPED or TERMINATED by the API;
    or "storage", nothing: the detach itself cuts it off from the disks.
  EOT
  default     = "power"
  nullable    = false

  validation {
    condition = contains(["power", "storage"], var.fence)
    error_message = join(" ", [
      "fence must be \"power\" (the old server is STOPPED or TERMINATED) or \"storage\" (the detach is the fence; see",
      "Fencing in terraform/README.md).",
    ])
  }
}
