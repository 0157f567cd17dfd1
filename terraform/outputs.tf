# The contract with the programs that read this stack: one object, no secrets.

output "failover" {
  description = <<-EOT
    The site as it is: who is active, every server, every volume with its iSCSI portal, and the spec for the hooks.
  EOT
  value = {
    active         = var.active_server
    compartment_id = var.compartment_id
    region         = var.region
    servers = {
      for name, s in local.servers : name => {
        instance_id = s.instance_id
        adopted     = s.adopted
        exists      = s.exists
        # null for one that tells nothing
        compartment_id = s.compartment_id
        address        = s.address
        hostname       = s.hostname
        # every VNIC, the primary one among them; address null for one that is yet to be made
        vnics = [
          for v in local.vnics[name] : {
            name       = v.name
            subnet_id  = v.subnet_id
            nic_index  = v.nic_index
            address    = v.address
            is_primary = v.is_primary
          }
        ]
        launch = s.adopted ? null : {
          image_id            = local.site.servers[name].image_id
          shape               = local.site.servers[name].shape
          availability_domain = local.site.servers[name].availability_domain
          subnet_id           = local.site.servers[name].subnet_id
          private_ip          = local.site.servers[name].private_ip
          ocpus               = try(local.site.servers[name].shape_config.ocpus, null)
          memory_in_gbs       = try(local.site.servers[name].shape_config.memory_in_gbs, null)
          nsg_ids             = local.site.servers[name].nsg_ids
        }
      }
    }
    volumes = {
      for name, v in local.volumes : name => {
        volume_id = v.volume_id
        # null while it waits for a switch
        attachment_id = try(oci_core_volume_attachment.data[name].id, null)
        instance_id   = try(oci_core_volume_attachment.data[name].instance_id, null)
        iqn           = try(oci_core_volume_attachment.data[name].iqn, null)
        address       = try(oci_core_volume_attachment.data[name].ipv4, null)
        port          = try(oci_core_volume_attachment.data[name].port, null)
      }
    }
    spec = local.spec
    # of the resource, not the variable: a move that failed must not look as if it had been made
    service_ip = one(oci_core_private_ip.service[*].ip_address)
    dns_name   = local.site.dns_name
  }
}

output "active_server" {
  description = "The server that has the volumes."
  value       = var.active_server
}

output "mount_from" {
  description = "What clients mount from: the service's name or address, or else the active server itself."
  value = coalesce(
    local.site.dns_name,
    local.site.service_ip,
    local.servers[var.active_server].address,
    local.servers[var.active_server].hostname
  )
}

output "exports" {
  description = "What is exported, and to whom."
  # one path may be exported to several clients with options of their own
  value = {
    for path in distinct(local.site.exports[*].path) :
    path => join(", ", flatten([for e in local.site.exports : e.clients if e.path == path]))
  }
}

output "console_url" {
  description = "The active server's page in the console."
  value = join("", [
    "https://cloud.oracle.com/compute/instances/",
    "${coalesce(local.servers[var.active_server].instance_id, "none")}?region=${var.region}",
  ])
}
