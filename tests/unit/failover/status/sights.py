"""Looks at the model of a site: in order, in an outage, in the middle of a failover, without a state."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from failover.cloud.resources import ImageFacts
from failover.model.site import Objectives
from failover.model.stack_output import Launch
from failover.runs.history import Entry, History, Kind
from failover.status.sight import Sight, Unread, of_run
from tests.unit.failover.plan.site_model import Host, World, usual

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
LAUNCH = Launch("ocid1.image", "BM.Standard", "AD-1", "subnet", None)


def entry(kind: Kind, outcome: str = "done", days: float = 0.5, **facts: object) -> Entry:
    return Entry(kind, NOW - timedelta(days=days), outcome, 12.0, facts)


def sight(world: World, target: str = "nfs-srv-1", **changes: object) -> Sight:
    """The model seen, with a good preflight half a day ago and Git in step."""
    seen = of_run("/srv/site.toml", world.observe(target), NOW, Objectives())
    assert not isinstance(seen.stack, Unread)
    servers = {n: replace(s, launch=LAUNCH) for n, s in seen.stack.servers.items()}
    seen = replace(
        seen,
        stack=replace(seen.stack, servers=servers),
        switched=None,
        written=world.active,
        committed=world.active,
        images={"nfs-srv-2": ImageFacts("golden", "AVAILABLE", NOW - timedelta(days=3))},
        history=History((entry(Kind.PREFLIGHT, target="nfs-srv-2", blocking=[]),)),
    )
    return replace(seen, **changes)


def in_order() -> Sight:
    return sight(replace(usual(), moved=frozenset({"nfs-cli"})))


def dead() -> Sight:
    """The active server is silent, the client answers and hangs."""
    return sight(usual(up=False))


def midway() -> Sight:
    """A failover was killed after the switch: the volumes are on nfs-srv-2, the state was not written."""
    world = World(
        hosts={"nfs-srv-1": Host("STOPPED", up=False), "nfs-srv-2": Host("RUNNING", up=True)},
        held=dict.fromkeys(("bv1", "bv2"), "nfs-srv-2"),
        active="nfs-srv-1",
    )
    return sight(world, "nfs-srv-2", unfinished="nfs-srv-2")


def after() -> Sight:
    """A failover has ended: nfs-srv-2 serves, the old server's power is cut, Git was not committed."""
    world = World(
        hosts={"nfs-srv-1": Host("STOPPED", up=False), "nfs-srv-2": Host("RUNNING", up=True, serves=True)},
        held=dict.fromkeys(("bv1", "bv2"), "nfs-srv-2"),
        active="nfs-srv-2",
        moved=frozenset({"nfs-cli"}),
    )
    run = entry(Kind.FAILOVER, target="nfs-srv-2", outage_seconds=700.0, outage_exact=True)
    return sight(
        world,
        "nfs-srv-2",
        committed="nfs-srv-1",
        commit="git commit -m x -- active.auto.tfvars",
        history=History((entry(Kind.PREFLIGHT), run)),
        images={},
    )


def without_state() -> Sight:
    return Sight(
        "/srv/site.toml", NOW, Unread("no Terraform stack in /srv/x", "correct [terraform] directory")
    )


def api_unread() -> Sight:
    """The API does not answer; the hosts do."""
    why = Unread("OCI ListVolumeAttachments: no answer", "check the network")
    return replace(
        in_order(),
        states=dict.fromkeys(("nfs-srv-1", "nfs-srv-2"), why),
        attachments=dict.fromkeys(("bv1", "bv2"), why),
    )


SIGHTS = {f.__name__: f for f in (in_order, dead, midway, after, without_state, api_unread)}
