"""Terraform's state as it lies there: which object each address stands for; and the wait for its lock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from failover.deadline import until_free
from failover.model.outcome import Refused
from failover.model.switch_record import Switched
from failover.stack import addresses
from failover.stack.state_lock import StatePlace

_POLL_SECONDS = (0.5,)


@dataclass(frozen=True)
class Recorded:
    """What the state holds at one address. `tainted`: the next apply would destroy and make it again."""

    id: str
    tainted: bool


def recorded(document: Mapping[str, Any]) -> dict[str, Recorded]:
    """The managed resources of a state (`terraform state pull`) by address."""
    by_address = {}
    for resource in (r for r in document.get("resources", []) if r["mode"] == "managed"):
        for instance in resource["instances"]:
            key = instance.get("index_key")
            address = f"{resource['type']}.{resource['name']}" + (
                "" if key is None else f"[{json.dumps(key)}]"
            )
            tainted = instance.get("status") == "tainted"
            by_address[address] = Recorded(str(instance["attributes"].get("id")), tainted)
    return by_address


def switched(document: Mapping[str, Any]) -> Switched | None:
    """Who switched last, by the record in a state; None in a state that has none yet."""
    for resource in document.get("resources", []):
        if f"{resource['type']}.{resource['name']}" == addresses.SWITCH_RECORD and resource["instances"]:
            value = resource["instances"][0]["attributes"]["input"]["value"]
            at = datetime.fromisoformat(value["at"])
            return Switched(value["active_server"], value["by"], at, value["door"])
    return None


def await_unlocked(place: StatePlace, deadline_seconds: float, say: Callable[[str], None]) -> None:
    """Wait for a Terraform process that a killed run left: a state read before it ends would be stale.

    A state that is kept elsewhere has its lock there, where Terraform itself waits for it.

    Tells `say` what is waited for, every half minute. Raises Refused at the deadline.
    """
    holder = until_free(place.holder, deadline_seconds, say, _POLL_SECONDS)
    if holder:
        raise Refused(
            f"the lock of Terraform's state is held: {holder}, still after {deadline_seconds:.0f} s",
            "wait for its end, or end that process with one SIGTERM, which lets it write its state",
        )
