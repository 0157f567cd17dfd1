# The optional service address: a secondary private IP that moves to the active server after its volumes.

data "oci_core_private_ips" "active" {
  count = var.service_ip == null ? 0 : 1

  subnet_id  = local.servers[var.active_server].subnet_id
  ip_address = local.servers[var.active_server].address
}

resource "oci_core_private_ip" "service" {
  count = var.service_ip == null ? 0 : 1

  vnic_id       = one(data.oci_core_private_ips.active[0].private_ips[*].vnic_id)
  ip_address    = var.service_ip
  display_name  = "nfs-failover service address"
  freeform_tags = { "nfs-failover-service" = "nfs" }

  timeouts {
    create = "5m"
    update = "5m"
    delete = "5m"
  }

  # The provider knows no order between the two: clients must not reach a server that has no volumes yet.
  depends_on = [oci_core_volume_attachment.data]
}
