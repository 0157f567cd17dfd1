# The fence: nothing is taken from a server that could still write. Judged by what the API says now, in the plan.

locals {
  # Attachments are listed by the compartment of their instance; of one that tells nothing, by the one that was given.
  _compartments = toset(compact(concat(
    [var.compartment_id],
    values(local._adopted)[*].compartment_id,
    [for _, i in data.oci_core_instance.adopted : i.compartment_id],
  )))
  _attachments = flatten([for _, list in data.oci_core_volume_attachments.live : list.volume_attachments])

  # Every instance that can be told apart as one of servers, known in the plan: a server that this very apply
  # launches is not among them, and holds nothing. Were the rule to wait for its OCID, it would be judged after
  # the old attachments are gone.
  _instances = merge(
    { for id, names in { for name, s in local._adopted : s.instance_id => name... } : id => {
      server = names[0]
      state  = local._adopted_state[names[0]]
    } },
    {
      for i in data.oci_core_instances.site.instances :
      i.id => { server = i.freeform_tags[local.server_tag], state = i.state }
    },
  )

  # By volume: who has it and is not the active server.
  _others = {
    for name, v in local.volumes : name => [
      for a in local._attachments : {
        attachment_id = a.id
        instance_id   = a.instance_id
        server        = try(local._instances[a.instance_id].server, null)
        state         = try(local._instances[a.instance_id].state, local._unknown)
      } if a.volume_id == v.volume_id && try(local._instances[a.instance_id].server, "") != var.active_server
    ]
  }
  held = {
    for name, v in local.volumes :
    name => length([for a in local._attachments : a if a.volume_id == v.volume_id]) > 0
  }
  strangers = { for name, held in local._others : name => [for h in held : h if h.server == null] }
  unfenced = {
    for name, held in local._others : name => [
      for h in held : h
      if h.server != null && var.fence == "power" &&
      !contains(["STOPPED", "TERMINATED"], h.state) && !contains(var.released, h.attachment_id)
    ]
  }
}

data "oci_core_volume_attachments" "live" {
  for_each = local._compartments

  compartment_id = each.value

  filter {
    name   = "state"
    values = ["ATTACHING", "ATTACHED", "DETACHING"]
  }

  lifecycle {
    postcondition {
      condition = self.volume_attachments != null
      error_message = join(" ", [
        "404: the volume attachments of compartment ${each.value} cannot be listed: ${local._no_answer}: allow the",
        "caller to inspect volume-attachments, volumes and instances there.",
      ])
    }
  }
}
