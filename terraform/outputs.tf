# The contract with the programs that read this stack: one object, no secrets.

output "failover" {
  description = "The site as it is: who is active, every server, every volume with its iSCSI portal, and the spec for the hooks."
  value = {
    active         = var.active_server
    compartment_id = var.compartment_id
    region         = var.region
    servers = {
      for name, s in local.servers : name => {
        instance_id = s.instance_id
        adopted     = s.adopted
        exists      = s.exists
        address     = s.address
        hostname    = s.hostname
        launch = s.adopted ? null : {
          image_id            = var.servers[name].image_id
          shape               = var.servers[name].shape
          availability_domain = var.servers[name].availability_domain
          subnet_id           = var.servers[name].subnet_id
          private_ip          = var.servers[name].private_ip
        }
      }
    }
    volumes = {
      for name, a in oci_core_volume_attachment.data : name => {
        volume_id     = a.volume_id
        attachment_id = a.id
        instance_id   = a.instance_id
        iqn           = a.iqn
        address       = a.ipv4
        port          = a.port
      }
    }
    spec = local.spec
    # of the resource, not the variable: a move that failed must not look as if it had been made
    service_ip = one(oci_core_private_ip.service[*].ip_address)
  }
}
