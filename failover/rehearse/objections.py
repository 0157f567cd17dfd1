"""Why a rehearsal is refused before it makes anything: each with its remedy. Production is only looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from failover.cloud.inventory import Unanswered
from failover.model.observation import Presence, ServerStatus
from failover.model.outcome import Refused, Unknown, Usage
from failover.model.stack_output import Launch, Server, Stack
from failover.ports import Ports
from failover.runs.site_lock import holder
from hooks.contract.result import PRESENT
from hooks.layers.filesystem import NAME as FILESYSTEM
from hooks.layers.lvm import NAME as LVM

_OF_THE_DATA = (LVM, FILESYSTEM)


@dataclass(frozen=True)
class Chosen:
    """Where the clones go. `launch` None: to `server`, which stands by; else to a throw-away like it."""

    server: Server
    launch: Launch | None


def chosen(stack: Stack, server: str, standby: str) -> Chosen:
    """The choice of the command line, or the only launched server of the stack. Raises Usage, Refused."""
    if server and standby:
        raise Usage("--server and --standby are both given", "give one of them")
    if name := server or standby:
        if name not in stack.servers:
            raise Usage(f"{name!r} is not a server of this stack", f"known: {', '.join(stack.servers)}")
        chosen_server = stack.servers[name]
        if standby and name == stack.active:
            raise Refused(
                f"{name} is the active server", "name a server that stands by, or leave --standby out"
            )
        if not standby and chosen_server.launch is None:
            raise Refused(
                f"{name} was adopted: the stack has no image to launch a throw-away server like it from",
                f"rehearse on it with --standby {name}, or name a server that has an image",
            )
        return Chosen(chosen_server, None if standby else chosen_server.launch)
    many = [one for one in stack.servers.values() if one.launch]
    if len(many) != 1:
        raise Usage(
            f"{len(many)} servers of this stack have an image: which one is rehearsed is not clear",
            f"add --server or --standby with one of: {', '.join(stack.servers)}",
        )
    return Chosen(many[0], many[0].launch)


def refuse_during_a_run(runs: Path) -> None:
    """Raises Refused while a failover, or anything else, holds the site: it comes first."""
    if (owner := holder(runs)) is not None:
        raise Refused(
            f"a run holds this site: {owner.get('user')} on {owner.get('host')}, process {owner.get('pid')}",
            "rehearse when that run has ended (`./inv runs`)",
        )


def refuse_unhealthy(active: ServerStatus) -> None:
    """A clone of a site that is not as specified proves nothing: a missing physical volume stays missing.

    Raises Refused, or Unknown where it could not be learnt.
    """
    name = active.server.name
    if active.trouble:
        raise Unknown(f"{name}: {active.trouble.reason}", active.trouble.remedy)
    if active.presence is not Presence.ANSWERS or active.answer is None:
        raise Refused(
            f"{name}, the active server, does not answer: its state cannot be compared",
            "mend the way to it, or fail over; rehearse when the site is healthy",
        )
    # what clones have a share in; a server that was built by hand may have other settings of iSCSI or NFS
    wrong = [x for x in active.answer.layers if x.layer in _OF_THE_DATA and x.state != PRESENT]
    if wrong:
        faults = "; ".join(f"{x.layer} {x.state}: {x.message}" for x in wrong)
        raise Refused(
            f"{name}, the active server, is not as specified: {faults}",
            f"mend that on {name} first: the clones would have the same fault",
        )


def refuse_standby(standby: ServerStatus, holds: bool) -> None:
    """A server that has volumes of the site would meet two volume groups of one name. Raises Refused."""
    name = standby.server.name
    if holds:
        raise Refused(f"{name} holds volumes of the site", "name a server without volumes")
    if standby.presence is not Presence.ANSWERS:
        what = f"is {standby.instance_state or 'not there'}, or does not answer"
        raise Refused(
            f"{name} {what}, expected a server that stands by", f"launch {name} and let it boot first"
        )


def refuse_launch(ports: Ports, launch: Launch, domain: str, instead: str) -> None:
    """The image, the place and the capacity, as far as they can be asked beforehand. Raises Refused.

    `domain`: the volumes' availability domain. `instead`: what else could be done without capacity.
    """
    if launch.availability_domain.lower() != domain.lower():
        raise Refused(
            f"the volumes are in {domain}, a server would be launched in {launch.availability_domain}: "
            "volumes, and clones of them, stay in their availability domain",
            "correct availability_domain of that server in the stack",
        )
    image = ports.reads.image(launch.image_id)
    if image.state != "AVAILABLE":
        raise Refused(
            f"image {image.name} is {image.state}, expected AVAILABLE", "wait, or set another image_id"
        )
    try:
        capacity = ports.reads.capacity(launch.availability_domain, launch.shape)
    except Unanswered:  # a report needs a statement in the tenancy; the launch itself tells
        return
    if capacity in ("OUT_OF_HOST_CAPACITY", "HARDWARE_NOT_SUPPORTED"):
        raise Refused(
            f"{launch.shape} in {launch.availability_domain}: {capacity}",
            f"try again later, or {instead}",
        )
