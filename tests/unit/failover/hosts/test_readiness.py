"""What is said of a standby that was made ready, and of one that could not be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from failover.hosts.readiness import tried
from failover.hosts.ssh import Silent
from failover.model.host.hook_report import HookReport
from failover.model.stack_output import Stack, Volume
from failover.preflight.check import CheckResult
from failover.preflight.checks.hosts.ready import judge
from hooks.contract.result import HookResult, Layer
from tests.unit.failover.plan.site_model import usual

HOOKS = Layer("hooks /opt/nfs-failover", "present", True, 0.1, "1 versions kept", {})
FULL = HOOKS._replace(state="broken", message="No space left on device")
LOCKS = Layer("locks", "broken", False, 0.1, "the UUID of /mnt/a is not known yet", {})


def report(*layers: Layer, message: str = "") -> HookReport:
    ok = all(layer.state == "present" for layer in layers) and not message
    return HookReport("nfs-srv-2", HookResult("ready", "server", "h", ok, True, 0.0, message, layers))


def test_units_that_cannot_be_written_yet_are_no_warning() -> None:
    check = judge("nfs-srv-2", report(HOOKS, LOCKS))
    assert check.outcome is CheckResult.OK
    assert check.actual == (
        "nfs-srv-2 ready: hooks /opt/nfs-failover; "
        "left to the takeover: locks (the UUID of /mnt/a is not known yet)"
    )


@pytest.mark.parametrize(
    ("answer", "says"),
    [(report(FULL), "No space left on device"), (report(message="run this as root"), "run this as root")],
)
def test_hooks_that_could_not_be_kept_are(answer: HookReport, says: str) -> None:
    check = judge("nfs-srv-2", answer)
    assert check.outcome is CheckResult.WARNING
    assert says in check.actual


class Dead:
    def hooks(self, *_: object) -> HookReport:
        raise Silent("nfs-srv-2: no route to host")


def stack(portals: int) -> Stack:
    """A stack with two volumes, of which so many have a portal that is known."""
    named = [{"name": f"bv{n}", "volume_id": f"ocid1.volume.oc1..{n}"} for n in (1, 2)]
    group = {"name": "vg1", "volumes": ["bv1", "bv2"]}
    known, unknown = ("iqn", "169.254.2.2", 3260), (None, None, None)
    volumes = {
        item["name"]: Volume(
            item["name"], item["volume_id"], None, None, *(known if n < portals else unknown)
        )
        for n, item in enumerate(named)
    }
    spec: Any = {"volumes": named, "volume_groups": [group], "filesystems": [], "exports": []}
    return replace(usual(up=False).observe("nfs-srv-2").stack, volumes=volumes, spec=spec)


def test_a_run_goes_on_without_it() -> None:
    host: Any = Dead()
    assert tried(host, stack(2), 60) == "not made ready: nfs-srv-2: no route to host"


def test_a_site_that_is_not_known_whole_is_not_left_on_a_host() -> None:
    host: Any = Dead()
    assert tried(host, stack(1), 60) == "not made ready: the portal of a volume is not known"
