# In which state each adopted server is, where the provider tells nothing.

# oracle/oci gives null in every attribute of an instance that is TERMINATED, and of one that this caller may not
# read (404): OCI answers 404 for both "gone" and "not authorized". The list of instances, which shows a
# terminated one for a while, is the witness that tells the two apart. What has no witness stays unknown.
locals {
  _gone    = ["TERMINATING", "TERMINATED"]
  _unknown = "of unknown state"
  # what every message about a 404 says
  _no_answer = "it is gone, or a policy is missing"

  _listed = { for i in flatten([for _, list in data.oci_core_instances.adopted : list.instances]) : i.id => i.state }

  _adopted_state = {
    for name, s in local._adopted : name => coalesce(
      data.oci_core_instance.adopted[name].state,
      one([
        for state in [lookup(local._listed, s.instance_id, null)] :
        state if try(contains(local._gone, state), false)
      ]),
      # Its compartment was given and can be listed, and does not have it any more.
      s.compartment_id != null && !contains(keys(local._listed), s.instance_id) ? "TERMINATED" : null,
      local._unknown,
    )
  }
  _readable = {
    for name, s in local._adopted :
    name => s if data.oci_core_instance.adopted[name].compartment_id != null
  }

  # They may hold a volume in a compartment that is not listed below.
  _unseen = [
    for name, s in local._adopted :
    name if local._adopted_state[name] == local._unknown && s.compartment_id == null
  ]

  _active_is_unknown = try(local._adopted_state[var.active_server] == local._unknown, false)
  _active_is_gone = try(
    contains(local._gone, local._adopted_state[var.active_server]),
    try(length(local._found[var.active_server]) == 0, false)
  )

  # Servers are launched while the active one is gone: the volumes, the address and the name wait for the switch.
  _waits = local._active_is_gone && length(var.launch) > 0 && !contains(var.launch, var.active_server)
}

data "oci_core_instances" "adopted" {
  for_each = (
    length(local._adopted) == 0 ?
    toset([]) :
    toset(compact(concat([var.compartment_id], values(local._adopted)[*].compartment_id)))
  )

  compartment_id = each.value

  filter {
    name   = "id"
    values = values(local._adopted)[*].instance_id
  }

  lifecycle {
    postcondition {
      condition = self.instances != null
      error_message = join(" ", [
        "404: the instances of compartment ${each.value} cannot be listed: ${local._no_answer}: allow the caller to",
        "read instances there.",
      ])
    }
  }
}

check "terminated_can_be_told" {
  assert {
    condition = alltrue([
      for name, s in local._readable :
      s.compartment_id != null || data.oci_core_instance.adopted[name].compartment_id == var.compartment_id
    ])
    error_message = join(" ", [
      join(", ", [
        for name, s in local._readable : name
        if s.compartment_id == null &&
        data.oci_core_instance.adopted[name].compartment_id != var.compartment_id
      ]),
      "is in another compartment than the stack's: give its compartment_id in servers. Without it, a plan cannot",
      "tell that it was terminated.",
    ])
  }
}

check "volumes_wait_for_the_switch" {
  assert {
    condition = !local._waits
    error_message = join(" ", [
      "${var.active_server}, the active server, is terminated: what launch names is launched, and nothing is",
      "attached until another active_server is chosen.",
    ])
  }
}
