# Who switched last, when, and through which door: the stack's own record, kept in its state.

locals {
  # Written by whoever makes another server the active one. A console apply passes no `switch`.
  _switch_by   = try(var.switch.by, coalesce(var.current_user_ocid, "unknown"))
  _switch_at   = try(var.switch.at, plantimestamp())
  _switch_door = try(var.switch.door, var.current_user_ocid == null ? "terraform" : "console")
}

# Replaced when the active server changes, and by nothing else: the next plan, by whomever and through whichever
# door, is empty although it would say another name and another time.
resource "terraform_data" "switch" {
  triggers_replace = var.active_server

  input = {
    active_server = var.active_server
    by            = local._switch_by
    at            = local._switch_at
    door          = local._switch_door
    address       = local.servers[var.active_server].address
  }

  lifecycle {
    ignore_changes = [input]
  }
}
