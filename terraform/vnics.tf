# The VNICs beside the primary ones: of adopted servers as they are, of launched ones as they are asked for.

locals {
  _secondary = merge([
    for name, s in local._launched : {
      for key, v in s.secondary_vnics : "${name}/${key}" => merge(v, { server = name, shape = s.shape })
    }
  ]...)

  _asked_subnets = {
    for name, s in local.site.servers : name => [for _, v in s.secondary_vnics : v.subnet_id]
  }
  # Known before a server is launched; the primary VNIC's subnet first.
  server_subnets = {
    for name, s in local.site.servers : name => distinct(compact(concat(
      [local.subnets[name]],
      [for key, pair in local._adopted_vnics : data.oci_core_vnic.adopted[key].subnet_id if pair.name == name],
      local._asked_subnets[name],
    )))
  }

  # The primary one first.
  _read_vnics = {
    for name, _ in local._adopted : name => [
      for key, pair in local._adopted_vnics : {
        name       = pair.vnic_id
        vnic_id    = pair.vnic_id
        subnet_id  = data.oci_core_vnic.adopted[key].subnet_id
        nic_index  = pair.nic_index
        address    = data.oci_core_vnic.adopted[key].private_ip_address
        is_primary = data.oci_core_vnic.adopted[key].is_primary
      } if pair.name == name
    ]
  }
  # Apart from local.servers: what reads that must not wait for a VNIC that is yet to be made.
  vnics = {
    for name, s in local.site.servers : name => s.instance_id != null ? concat(
      [for v in local._read_vnics[name] : v if v.is_primary],
      [for v in local._read_vnics[name] : v if !v.is_primary],
      ) : concat(
      [
        {
          name       = "primary"
          vnic_id    = null
          subnet_id  = s.subnet_id
          nic_index  = 0
          address    = local.servers[name].address
          is_primary = true
        }
      ],
      [
        for key, v in s.secondary_vnics : {
          name       = key
          vnic_id    = try(oci_core_vnic_attachment.secondary["${name}/${key}"].vnic_id, null)
          subnet_id  = v.subnet_id
          nic_index  = try(oci_core_vnic_attachment.secondary["${name}/${key}"].nic_index, v.nic_index)
          is_primary = false
          address = try(
            oci_core_vnic_attachment.secondary["${name}/${key}"].create_vnic_details[0].private_ip, v.private_ip
          )
        }
      ],
    )
  }
}

# Made with the server and left as it is: a switch detaches none, and the volumes follow only when all are there.
resource "oci_core_vnic_attachment" "secondary" {
  for_each = local._secondary

  instance_id  = oci_core_instance.server[each.value.server].id
  display_name = each.key
  # the second physical NIC of bare metal: what is on the first one beside the primary VNIC needs a VLAN
  nic_index = each.value.nic_index == null ? (startswith(each.value.shape, "BM.") ? 1 : 0) : each.value.nic_index

  create_vnic_details {
    subnet_id              = each.value.subnet_id
    private_ip             = each.value.private_ip
    nsg_ids                = each.value.nsg_ids
    hostname_label         = each.value.hostname
    skip_source_dest_check = each.value.skip_source_dest_check
    assign_public_ip       = false
    display_name           = each.key
  }

  timeouts {
    create = "20m"
    update = "20m"
    delete = "20m"
  }

  lifecycle {
    # As of the server itself: they say how it is born.
    ignore_changes = [create_vnic_details, display_name, nic_index]

    precondition {
      condition = !startswith(each.value.shape, "BM.") || try(each.value.nic_index != 0, true)
      error_message = join(" ", [
        "nic_index of ${each.key} is 0, and ${each.value.shape} is bare metal: a further VNIC on the first NIC needs",
        "a VLAN that nothing sets up at boot. Leave nic_index out: the second NIC is taken.",
      ])
    }

    precondition {
      condition = startswith(each.value.shape, "BM.") || try(each.value.nic_index != 1, true)
      error_message = join(" ", [
        "nic_index of ${each.key} is 1, and ${each.value.shape} is a virtual machine, which has one NIC: set it to",
        "0, or leave it out.",
      ])
    }
  }
}
