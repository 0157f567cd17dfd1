"""A failover of a site of the model as a run makes it, with what must hold at every point of it."""

from __future__ import annotations

from typing import NamedTuple

from hooks.contract.result import ABSENT, PRESENT
from hooks.hints.export_options import contradictions
from tests.model.host.devices import Block
from tests.model.host.linux import LinuxHost
from tests.model.host.mount_tools import fstab
from tests.model.host.mounts import inside, normal
from tests.model.judgement import Judgement, judge
from tests.model.layouts import ClientLayout, SiteLayout
from tests.model.site import Site
from tests.model.story import act, client_spec, move, server_spec, states


class Switch(NamedTuple):
    """From which server to which, and whether the old one answers."""

    old: str
    new: str
    planned: bool


def fail_over(site: Site, layout: SiteLayout, clients: list[ClientLayout], switch: Switch) -> Judgement:
    """Judges, and unless the service is refused brings it over, with every client that is not refused.

    Raises AssertionError when a step ends in another way than the judgement said.
    """
    judged = judge(site, layout, clients, switch.old, switch.new)
    if judged.service:
        return judged
    if switch.planned:
        release(site, layout, switch.old)
    else:
        site.hosts[switch.old].power_off()
    move(site, switch.new)
    new, spec = site.hosts[switch.new], server_spec(site, layout)
    applied = act(new, "apply", spec)
    assert states(applied) == {PRESENT}, applied
    against = contradictions(spec, new.run("exportfs", "-s").out)  # verification's own judgement
    assert not against, against
    mine = [client for client in clients if not judged.clients[client.name]]
    specs = [(site.hosts[client.name], client_spec(layout, client, switch.new)) for client in mine]
    for host, each in specs:
        taken = act(host, "apply", each)
        assert states(taken) == {PRESENT}, taken
    for host, each in [(new, spec), *specs]:
        stays(host, each)
    return judged


def stays(host: LinuxHost, spec: object) -> None:
    """What a second run finds is as it should be, and it changes nothing."""
    checked = act(host, "check", spec)
    assert states(checked) == {PRESENT}, checked
    again = act(host, "apply", spec)
    assert not any(layer.changed for layer in again), again


def release(site: Site, layout: SiteLayout, name: str) -> None:
    """The planned switch's first half: afterwards nothing of the site is on that server."""
    old, spec = site.hosts[name], server_spec(site, layout)
    released = act(old, "release", spec)
    assert states(released) == {ABSENT}, released
    again = act(old, "release", spec)
    assert not any(layer.changed for layer in again), again
    assert not [block.name for block in old.devices.blocks.values() if of_site(block, layout)]
    nothing_of_it(old, layout)


def of_site(block: Block, layout: SiteLayout) -> bool:
    """On LVM, or straight on a volume."""
    names = [group.name for group in layout.groups]
    if block.group is None and block.volume:
        return block.volume.name.rpartition("-")[0] in names
    return block.group is not None and block.group.name in names


def nothing_of_it(host: LinuxHost, layout: SiteLayout) -> None:
    """No mount, no export and no active line of fstab is of the site."""
    mounts = [item.mount for _, item in layout.filesystems]
    assert not [m.mount for m in host.mounts.table if m.block and of_site(m.block, layout)]
    exported = [path for path, _ in host.nfsd.table if any(inside(path, mount) for mount in mounts)]
    assert not exported, exported
    named = [line for line in fstab(host) if normal(line.mount) in mounts]
    assert not named, named


def comes_back_harmless(host: LinuxHost, layout: SiteLayout) -> None:
    """A boot of a released server waits for no device, mounts and exports nothing of the site."""
    host.power_off()
    troubles = host.boot()
    assert not troubles, troubles
    nothing_of_it(host, layout)
