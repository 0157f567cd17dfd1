"""Terraform's state as it lies there: which object each address stands for, and who holds its lock now."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from failover.outcome import Refused

SWITCH_RECORD = "terraform_data.switch"
_LOCK_INFO = ".terraform.tfstate.lock.info"
_STATE = "terraform.tfstate"
_POLL_SECONDS = 0.5
_SAY_SECONDS = 30.0


@dataclass(frozen=True)
class Recorded:
    """What the state holds at one address. `tainted`: the next apply would destroy and make it again."""

    id: str
    tainted: bool


@dataclass(frozen=True)
class Switched:
    """The stack's own record of the last switch. `door`: cli, gitops, console, or terraform by itself."""

    active: str
    by: str
    at: datetime
    door: str


def recorded(document: Mapping[str, Any]) -> dict[str, Recorded]:
    """The managed resources of a state (`terraform state pull`) by address."""
    found = {}
    for resource in (r for r in document.get("resources", []) if r["mode"] == "managed"):
        for instance in resource["instances"]:
            key = instance.get("index_key")
            address = f"{resource['type']}.{resource['name']}" + (
                "" if key is None else f"[{json.dumps(key)}]"
            )
            tainted = instance.get("status") == "tainted"
            found[address] = Recorded(str(instance["attributes"].get("id")), tainted)
    return found


def switched(document: Mapping[str, Any]) -> Switched | None:
    """Who switched last, by the record in a state; None in a state that has none yet."""
    for resource in document.get("resources", []):
        if f"{resource['type']}.{resource['name']}" == SWITCH_RECORD and resource["instances"]:
            found = resource["instances"][0]["attributes"]["input"]["value"]
            at = datetime.fromisoformat(found["at"])
            return Switched(found["active_server"], found["by"], at, found["door"])
    return None


def lock_holder(directory: Path) -> str | None:
    """Who holds the lock of a state kept in this folder: "terraform apply of root@host since ..."; or None.

    The kernel holds it for as long as the process lives; the file that names it outlives a kill and proves
    nothing. A state kept elsewhere has its lock there, where Terraform itself waits for it.
    """
    try:
        with (directory / _STATE).open("r+") as stream:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
    except FileNotFoundError:
        return None
    except (BlockingIOError, PermissionError):
        return _named(directory / _LOCK_INFO)


def _named(info: Path) -> str:
    try:
        found = json.loads(info.read_text())
        action = str(found["Operation"]).removeprefix("OperationType").lower()
        return f"terraform {action} of {found['Who']} since {found['Created']}"
    except (OSError, ValueError, KeyError):
        return "a terraform process that does not give its name"


def await_unlocked(directory: Path, deadline_seconds: float, say: Callable[[str], None]) -> None:
    """Wait for a Terraform that outlived its operator: what is seen while it works is no longer so after.

    Tells `say` what is waited for, every half minute. Raises Refused at the deadline.
    """
    start, said = time.monotonic(), -_SAY_SECONDS
    while holder := lock_holder(directory):
        waited = time.monotonic() - start
        if waited > deadline_seconds:
            raise Refused(
                f"the lock of Terraform's state is held: {holder}, still after {waited:.0f} s",
                "wait for its end, or end that process with one SIGTERM, which lets it write its state",
            )
        if waited - said >= _SAY_SECONDS:
            said = waited
            say(f"waiting for {holder}, which is still at work on this stack ({waited:.0f} s) ...")
        time.sleep(_POLL_SECONDS)
