"""A standby that runs, against the active server: kernel and packages of the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from failover.hosts import versions
from failover.hosts.ssh import Silent
from failover.model.observation import Presence
from failover.preflight.check import Check, ok, warning
from failover.preflight.checks.hosts import survey
from failover.preflight.context import Ground

NAME = "standby"
_EXPECTED = "the versions of the active server"


def look(ground: Ground) -> Iterator[Check]:
    """Where both run and answer; whether they answer at all is told by other checks."""
    active = ground.server(ground.stack.active)
    address, target = ground.target.address, ground.target
    if active.presence is not Presence.ANSWERS or active.server.address is None:
        return
    if not survey.may_be_asked(ground) or address is None:
        return
    try:
        wanted = versions.versions(ground.host(active.server, active.server.address).ssh)
        yield judge(target.name, wanted, versions.versions(ground.host(target, address).ssh))
    except Silent:  # the check of that host says so
        return


def judge(name: str, active: Mapping[str, str], standby: Mapping[str, str]) -> Check:
    """A warning names what differs."""
    drifts = versions.drift(active, standby)
    if not drifts:
        return ok(NAME, f"{name} has the kernel and the packages of the active server")
    text = f"{name} differs: {'; '.join(one.line for one in drifts)}"
    return warning(NAME, text, _EXPECTED, f"update {name} while it stands by, and reboot it for a kernel")
