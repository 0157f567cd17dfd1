# The switch itself: every volume is attached to the active server and to no other.

# Keyed by the volume's name only. The key of a volume stays when the server changes, so Terraform replaces the
# attachment, and destroys all old attachments before it makes any new one. A key with the server in it would
# detach and attach side by side; create_before_destroy would attach first.
#
# Where servers are only launched, what is attached to none stays so: the server that was active may be dead, and a
# person may have detached its volumes already.
resource "oci_core_volume_attachment" "data" {
  for_each = {
    for name, v in local.site.volumes :
    name => v if local._waits || var.launch_only ? local.held[name] : true
  }

  attachment_type = "iscsi"
  instance_id     = local.servers[var.active_server].instance_id
  volume_id       = local.volumes[each.key].volume_id
  is_shareable    = false
  is_read_only    = false
  use_chap        = false

  timeouts {
    create = "20m"
    delete = "20m"
  }

  # Whoever gets the volumes serves them at once: clients must be able to reach it by then.
  depends_on = [oci_core_vnic_attachment.secondary]

  lifecycle {
    # The API never tells use_chap: an imported attachment would be replaced for it.
    ignore_changes = [use_chap]

    precondition {
      condition = local.servers[var.active_server].exists
      error_message = join(" ", [
        "${var.active_server} (${coalesce(local.servers[var.active_server].instance_id, "no instance")}) is",
        "terminated and cannot take ${each.key}: choose another active_server, or give ${var.active_server} an",
        "image_id in place of instance_id.",
      ])
    }

    precondition {
      condition = length(try(local._ending[var.active_server], [])) == 0
      error_message = join(" ", [
        "${var.active_server} (${join(", ", try(local._ending[var.active_server], []))}) is TERMINATING and cannot",
        "take ${each.key}: wait until it has ended (a new one is launched then), or choose another active_server.",
      ])
    }

    precondition {
      condition = !local._active_is_unknown
      error_message = join(" ", [
        "404: ${var.active_server} (${coalesce(local.servers[var.active_server].instance_id, "no instance")}), the",
        "active server, cannot be read: ${local._no_answer}: allow the caller to read instances in its compartment.",
        "If it is gone for good, choose another active_server and take ${var.active_server} out of servers.",
      ])
    }

    precondition {
      condition = length(local._unseen) == 0 || local.held[each.key]
      error_message = join(" ", [
        "404: ${join(", ", [for name in local._unseen : "${name} (${local.servers[name].instance_id})"])} cannot be",
        "read: ${local._no_answer}. Nobody is seen to have volume ${each.key}, so it may be attached there, unseen:",
        "allow the caller to read instances and volume-attachments in its compartment or, if it is gone for good,",
        "take it out of servers.",
      ])
    }

    precondition {
      condition = try(
        lower(local.volumes[each.key].availability_domain) ==
        lower(local.servers[var.active_server].availability_domain),
        true
      )
      error_message = join(" ", [
        "Volume ${each.key} is in ${local.volumes[each.key].availability_domain} and ${var.active_server} in",
        "${local.servers[var.active_server].availability_domain}: a volume attaches only inside its own availability",
        "domain. Choose a server there, or restore the volume from a backup into",
        "${local.servers[var.active_server].availability_domain}.",
      ])
    }

    precondition {
      condition = !contains(["TERMINATING", "TERMINATED", "FAULTY"], local.volumes[each.key].state)
      error_message = join(" ", [
        "Volume ${each.key} is ${local.volumes[each.key].state} and cannot be attached: restore it from its newest",
        "backup and set its new volume_id.",
      ])
    }

    precondition {
      condition = length(local.strangers[each.key]) == 0
      error_message = join(" ", [
        "Volume ${each.key} is attached to ${join(" and ", local.strangers[each.key][*].instance_id)}, no server of",
        "this stack: find out who attached it there and why, then detach it; or, if that is one of servers, adopt it",
        "(instance_id) or put its tag ${local.server_tag} back.",
      ])
    }

    precondition {
      condition = length(local.unfenced[each.key]) == 0
      error_message = join(" ", [
        "Volume ${each.key} is attached to",
        join(" and ", [
          for h in local.unfenced[each.key] :
          "${h.server}, which is ${h.state}${h.state == local._unknown ? " (404: ${local._no_answer})" : ""}"
        ]),
        "and could still write to it: stop that server and wait until it is STOPPED, then plan again. Or let `invoke",
        "failover --active ${var.active_server}` do the switch, which has it give the volumes up. Or, when its power",
        "cannot be cut, set fence = \"storage\" after reading Fencing in terraform/README.md.",
      ])
    }
  }
}
