# What clients mount from and what moves to the active server after its volumes: an address, a name, or both.

locals {
  # A server that is gone, or may not be read, has no VNIC to give the address to.
  _active_tells_address = (
    !local._waits &&
    (contains(keys(local._adopted), var.active_server) ? contains(keys(local._readable), var.active_server) : true)
  )
  # The subnet that the address is in, of all that servers have VNICs in.
  _service_subnet_id = try(
    [
      for id, s in data.oci_core_subnet.service : id
      if cidrhost("${local.site.service_ip}/${split("/", s.cidr_block)[1]}", 0) == cidrhost(s.cidr_block, 0)
    ][0],
    null
  )
  _without_service_vnic = [
    for name, ids in local.server_subnets : name
    if length(ids) > 0 && local._service_subnet_id != null && !contains(ids, coalesce(local._service_subnet_id, "-"))
  ]
  _service_is_primary = (
    local._service_subnet_id != null && lookup(local.subnets, var.active_server, null) == local._service_subnet_id
  )
  # Of the VNICs beside the primary one, whose own address tells it.
  _service_vnic_ids = [
    for v in lookup(local.vnics, var.active_server, []) : v.vnic_id
    if v.subnet_id == local._service_subnet_id && !v.is_primary
  ]
}

data "oci_core_private_ips" "active" {
  count = local._active_tells_address && local._service_is_primary ? 1 : 0

  subnet_id  = local.servers[var.active_server].subnet_id
  ip_address = local.servers[var.active_server].address
}

# Of all servers, also of those that are launched later: the spec of a new server needs the prefix.
data "oci_core_subnet" "service" {
  for_each = toset(flatten(
    local.site.service_ip == null ? values(local._asked_subnets) : values(local.server_subnets)
  ))

  subnet_id = each.value

  lifecycle {
    postcondition {
      condition = self.cidr_block != null
      error_message = join(" ", [
        "404: subnet ${each.value} cannot be read: ${local._no_answer}: allow the caller to read subnets in its",
        "compartment.",
      ])
    }
  }
}

# It goes with the VNIC of a server that is terminated, and is made again for its successor.
resource "oci_core_private_ip" "service" {
  count = local.site.service_ip == null || local._waits ? 0 : 1

  vnic_id = (
    local._service_is_primary ?
    try(one(data.oci_core_private_ips.active[0].private_ips[*].vnic_id), null) :
    try(local._service_vnic_ids[0], null)
  )
  ip_address    = local.site.service_ip
  display_name  = "nfs-failover service address"
  freeform_tags = { "nfs-failover-service" = "nfs" }

  timeouts {
    create = "5m"
    update = "5m"
    delete = "5m"
  }

  lifecycle {
    precondition {
      condition = local._service_subnet_id != null || length(data.oci_core_subnet.service) == 0
      error_message = join(" ", [
        "service_ip ${local.site.service_ip} is not in the servers' subnet",
        "${join(", ", [for _, s in data.oci_core_subnet.service : s.cidr_block])}: choose a free address there.",
      ])
    }

    precondition {
      condition = length(local._without_service_vnic) == 0
      error_message = join(" ", [
        "service_ip moves inside one subnet only, and ${join(" and ", local._without_service_vnic)} has no VNIC in",
        "${join(", ", [for id, s in data.oci_core_subnet.service : s.cidr_block if id == local._service_subnet_id])}:",
        "give it a subnet_id or one of secondary_vnics there, or leave service_ip empty and use dns_name.",
      ])
    }

    # Not a postcondition of the list: a data source that has one, and hangs together with the servers, is read
    # only after a launch, and the address would seem to move.
    precondition {
      condition = (
        local._active_tells_address && local._service_is_primary ?
        try(data.oci_core_private_ips.active[0].private_ips != null, false) :
        true
      )
      error_message = join(" ", [
        "404: the private IPs of ${var.active_server} cannot be listed: ${local._no_answer}: allow the caller to",
        "inspect private-ips in the subnet's compartment.",
      ])
    }
  }

  # The provider knows no order between the two: clients must not reach a server that has no volumes yet.
  depends_on = [oci_core_volume_attachment.data]
}

resource "oci_dns_rrset" "service" {
  count = local.site.dns_name == null ? 0 : 1

  zone_name_or_id = var.dns_zone
  view_id         = var.dns_view_id == "" ? null : var.dns_view_id
  domain          = local.site.dns_name
  rtype           = "A"

  items {
    domain = local.site.dns_name
    rtype  = "A"
    # While the active server is gone, the name stays as the last switch left it.
    rdata = coalesce(
      local.site.service_ip,
      local.servers[var.active_server].address,
      try(terraform_data.switch.output.address, null)
    )
    ttl = var.dns_ttl
  }

  timeouts {
    create = "5m"
    update = "5m"
    delete = "5m"
  }

  lifecycle {
    precondition {
      condition = startswith(var.dns_zone, "ocid1.") || (var.dns_zone != "" && var.dns_view_id != "")
      error_message = join(" ", [
        "dns_name ${local.site.dns_name} needs the private zone that it is in: set dns_zone to the zone's OCID, or",
        "to its name with dns_view_id.",
      ])
    }
  }

  depends_on = [oci_core_volume_attachment.data, oci_core_private_ip.service]
}
