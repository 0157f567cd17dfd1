"""The property: when nobody's judgement refuses, the failover of that site ends done; on real hooks."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from hooks.result import ABSENT, PRESENT
from tests.model.building import NEW, OLD, build
from tests.model.judgement import judge
from tests.model.layouts import SiteLayout
from tests.model.linux import LinuxHost
from tests.model.mount_tools import fstab
from tests.model.mounts import inside, normal
from tests.model.site import Site
from tests.model.sites import layouts
from tests.model.story import act, client_spec, move, server_spec, states

_RAN: Counter[str] = Counter()
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a site has some hundred small files


@settings(
    max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(layouts())
def test_what_nobody_refuses_ends_done(layout: SiteLayout) -> None:
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        play(build(layout, Path(folder)), layout)


def play(site: Site, layout: SiteLayout) -> None:
    """Judges the site and plays the failover of what is not refused."""
    judged = judge(site, layout)
    _RAN["refused" if judged.service else "ran"] += 1
    if judged.service:
        return
    old, new = site.hosts[OLD], site.hosts[NEW]
    if layout.planned:
        release(site, layout)
    else:
        old.power_off()
    move(site, NEW)
    spec = server_spec(site, layout)
    applied = act(new, "apply", spec)
    assert states(applied) == {PRESENT}, applied
    mine = [client for client in layout.clients if not judged.clients[client.name]]
    specs = [(site.hosts[client.name], client_spec(layout, client, NEW)) for client in mine]
    for host, each in specs:
        taken = act(host, "apply", each)
        assert states(taken) == {PRESENT}, taken
    _RAN.update({"clients moved": len(mine), "clients refused": len(layout.clients) - len(mine)})
    for host, each in [(new, spec), *specs]:
        assert states(act(host, "check", each)) == {PRESENT}
        again = act(host, "apply", each)
        assert not any(layer.changed for layer in again), again
    if layout.planned:
        comes_back_harmless(old, layout)


def release(site: Site, layout: SiteLayout) -> None:
    """The planned switch's first half: afterwards nothing of the site is on the old server."""
    old, spec = site.hosts[OLD], server_spec(site, layout)
    released = act(old, "release", spec)
    assert states(released) == {ABSENT}, released
    again = act(old, "release", spec)
    assert not any(layer.changed for layer in again), again
    assert not [block.name for block in old.devices.blocks.values() if block.group]
    nothing_of_it(old, layout)


def nothing_of_it(host: LinuxHost, layout: SiteLayout) -> None:
    """No mount and no export of the site."""
    mounts = [item.mount for _, item in layout.filesystems]
    assert not [m.mount for m in host.mounts.table if m.block and m.block.group]
    exported = [path for path, _ in host.nfsd.table if any(inside(path, mount) for mount in mounts)]
    assert not exported, exported
    named = [line for line in fstab(host) if normal(line.mount) in mounts]
    assert not named, named


def comes_back_harmless(host: LinuxHost, layout: SiteLayout) -> None:
    """A boot of the released server waits for no device, mounts and exports nothing of the site."""
    host.power_off()
    troubles = host.boot()
    assert not troubles, troubles
    nothing_of_it(host, layout)
