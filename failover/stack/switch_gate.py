"""What a plan may touch. Any other change in it is drift, or another person's work: it is refused."""

from __future__ import annotations

from collections.abc import Sequence

from failover.model.outcome import Refused
from failover.model.resource_change import Change
from failover.stack import addresses

SWITCH_MAY = (
    f"{addresses.ATTACHMENT}[",
    addresses.SERVICE_ADDRESS,
    addresses.SERVICE_NAME,
    addresses.SWITCH_RECORD,
)


def gate(changes: Sequence[Change], may: tuple[str, ...], actions: tuple[str, ...]) -> None:
    """Raise Refused for a change of another address than those that begin so, or of another kind."""
    for change in changes:
        if not change.address.startswith(may) or not set(change.actions) <= set(actions):
            raise Refused(
                f"Terraform's plan would also {'+'.join(change.actions)} {change.address}",
                "settle that change by itself first (`terraform plan` shows it), then run this again",
            )
