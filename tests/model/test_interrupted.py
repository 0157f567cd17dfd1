"""A run that is cut off at any of its commands: the same command again comes to the same end."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hooks.contract.result import ABSENT, PRESENT
from hooks.contract.spec import Spec
from tests.model.building import NEW, OLD, build
from tests.model.host.linux import CutOffError, LinuxHost
from tests.model.judgement import judge
from tests.model.layouts import ClientLayout, SiteLayout
from tests.model.rehearsal import nothing_of_it
from tests.model.sites import layouts
from tests.model.story import act, client_spec, move, server_spec, states
from tests.model.test_judgement import MEMORY
from tests.model.test_known_sites import MANUAL

_FEW = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
_COMMANDS = st.integers(0, 25)


def cut_off(host: LinuxHost, action: str, spec: Spec, after: int) -> bool:
    """Runs the action until its command number `after`, which does not run; False when it ended before."""
    host.cut_after, others = after, set(threading.enumerate())
    try:
        act(host, action, spec)
    except CutOffError:
        return True
    finally:
        for thread in set(threading.enumerate()) - others:
            thread.join(1.0)  # what else the killed process was about to do
        host.cut_after = None
    return False


@pytest.fixture(autouse=True)
def _die_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of a killed process reports to nobody."""
    hook = threading.excepthook

    def report(found: threading.ExceptHookArgs) -> None:
        if found.exc_type is not CutOffError:
            hook(found)

    monkeypatch.setattr(threading, "excepthook", report)


@_FEW
@given(layouts(), _COMMANDS, _COMMANDS, _COMMANDS, st.booleans())
def test_the_same_command_goes_on(
    layout: SiteLayout, in_release: int, in_apply: int, on_client: int, power: bool
) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        site = build(layout, Path(folder))
        judged = judge(site, layout, layout.clients, OLD, NEW)
        assume(not judged.service)
        old, new, spec = site.hosts[OLD], site.hosts[NEW], server_spec(site, layout)
        if cut_off(old, "release", spec, in_release) and power:
            old.power_off()
            old.boot()
        released = act(old, "release", spec)
        assert states(released) == {ABSENT}, released
        nothing_of_it(old, layout)
        move(site, NEW)
        spec = server_spec(site, layout)
        if cut_off(new, "apply", spec, in_apply) and power:
            new.power_off()
            new.boot()
        applied = act(new, "apply", spec)
        assert states(applied) == {PRESENT}, applied
        for client in [c for c in layout.clients if not judged.clients[c.name]]:
            host, each = site.hosts[client.name], client_spec(layout, client, NEW)
            cut_off(host, "apply", each, on_client)
            taken = act(host, "apply", each)
            assert states(taken) == {PRESENT}, taken


_BY_HAND = ClientLayout(
    fstab="/mnt/nfs/a /shared none bind 0 0\n",
    others=("/shared",),
    how=(("/mnt/nfs/a", ("mount", "-t", "nfs4", "-o", "rw,noatime", "nfs-srv-1:/mnt/a", "/mnt/nfs/a")),),
)


@pytest.mark.parametrize("after", range(8))
def test_a_client_s_mount_by_hand_outlives_a_run_that_is_cut_off(tmp_path: Path, after: int) -> None:
    """No file of the client tells of it: what was taken off is known from the run's own memo."""
    layout = replace(MANUAL, clients=(_BY_HAND,))
    site = build(layout, tmp_path)
    assert act(site.hosts[OLD], "release", server_spec(site, layout))
    move(site, NEW)
    act(site.hosts[NEW], "apply", server_spec(site, layout))
    host, spec = site.hosts[_BY_HAND.name], client_spec(layout, _BY_HAND, NEW)
    cut_off(host, "apply", spec, after)
    taken = act(host, "apply", spec)
    assert states(taken) == {PRESENT}, taken
    for point in ("/mnt/nfs/a", "/shared"):
        top = host.mounts.top(point)
        assert top, point
        assert "nfs-srv-2:/mnt/a" in top.source
    assert host.read("/run/nfs-failover.mounts") is None
