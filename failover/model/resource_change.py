"""What a Terraform plan would do to one resource, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Change:
    """One resource that a plan touches. `actions` as Terraform's JSON has them: ("delete", "create").

    `after`: the planned values, without those that are known after the apply.
    """

    address: str
    actions: tuple[str, ...]
    after: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


def changes_of(shown: Mapping[str, Any]) -> tuple[Change, ...]:
    """The resources that a plan (`terraform show -json`) touches, reads and no-ops left out."""
    entries = ((e["address"], e["change"]) for e in shown.get("resource_changes", []))
    changes = (Change(a, tuple(c["actions"]), c.get("after") or {}) for a, c in entries)
    return tuple(change for change in changes if change.actions not in (("no-op",), ("read",)))
