# `terraform test` on the site in the variable files beside the stack. Only plans: nothing is made.

run "attaches_to_the_active_server" {
  command = plan

  assert {
    condition = alltrue([
      for a in oci_core_volume_attachment.data :
      a.instance_id == var.servers[var.active_server].instance_id
    ])
    error_message = "A volume is not attached to the active server."
  }

  assert {
    condition = alltrue([
      for a in oci_core_volume_attachment.data :
      !a.is_shareable && !a.is_read_only && !a.use_chap
    ])
    error_message = "An attachment is shareable, read-only or uses CHAP."
  }

  assert {
    condition     = toset(keys(oci_core_volume_attachment.data)) == toset(keys(var.volumes))
    error_message = "The attachments are not keyed by the volumes' names alone."
  }

  assert {
    condition     = length(oci_core_private_ip.service) == 0
    error_message = "A service address is made although none is asked for."
  }
}

run "launches_on_demand" {
  command = plan

  variables {
    launch = ["nfs-srv-2"]
  }

  assert {
    condition     = keys(oci_core_instance.server) == ["nfs-srv-2"]
    error_message = "launch does not launch nfs-srv-2, or launches more."
  }

  assert {
    condition     = oci_core_instance.server["nfs-srv-2"].preserve_boot_volume
    error_message = "The boot volume of a launched server would be lost with it."
  }
}

run "refuses_an_unknown_active_server" {
  command = plan

  variables {
    active_server = "nfs-srv-9"
  }

  expect_failures = [data.oci_core_instances.site]
}

run "refuses_an_unknown_server_to_launch" {
  command = plan

  variables {
    launch = ["nfs-srv-9"]
  }

  expect_failures = [data.oci_core_instances.site]
}

run "refuses_a_name_that_is_no_hostname" {
  command = plan

  variables {
    active_server = "nfs_srv;2"
  }

  expect_failures = [var.active_server]
}

run "refuses_a_service_address_that_is_none" {
  command = plan

  variables {
    service_ip = "10.0.0.300"
  }

  expect_failures = [var.service_ip]
}

run "refuses_a_fence_that_is_none" {
  command = plan

  variables {
    fence = "none"
  }

  expect_failures = [var.fence]
}

run "refuses_a_server_without_instance_and_image" {
  command = plan

  variables {
    servers       = {}
    active_server = "nfs-srv-2"
  }

  expect_failures = [data.oci_core_instances.site]
}

run "adds_a_service_address_and_its_name" {
  command = plan

  variables {
    service_ip = "10.0.0.202"
    dns_name   = "nfs.hpc.example"
    dns_zone   = "ocid1.dns-zone.oc1..aaaaexamplezone"
  }

  assert {
    condition     = oci_core_private_ip.service[0].ip_address == "10.0.0.202"
    error_message = "The service address is not the one that was asked for."
  }

  assert {
    condition     = one(oci_dns_rrset.service[0].items).rdata == "10.0.0.202"
    error_message = "The name does not lead to the service address."
  }

  assert {
    condition     = output.failover.spec.service_address == { address = "10.0.0.202", prefix = 24 }
    error_message = "The hooks are not told to put the service address on the server."
  }

  assert {
    condition     = output.mount_from == "nfs.hpc.example"
    error_message = "Clients are not told to mount from the name."
  }
}

run "refuses_a_name_without_its_zone" {
  command = plan

  variables {
    dns_name = "nfs.hpc.example"
  }

  expect_failures = [oci_dns_rrset.service]
}
