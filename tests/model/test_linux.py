"""The model itself: its commands' outputs go through the hooks' own parsers, and a plain site goes round."""

from pathlib import Path

import pytest

from hooks.result import ABSENT, PRESENT
from tests.model.building import NEW, OLD, build
from tests.model.layouts import SiteLayout
from tests.model.site import Site
from tests.model.story import act, client_spec, move, server_spec, states

PLAIN = SiteLayout()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return build(PLAIN, tmp_path)


def test_a_site_built_by_hand_serves_its_client(site: Site) -> None:
    mounted = site.hosts["nfs-cli"].mounts.top("/mnt/nfs/a")
    assert mounted
    assert mounted.source == "nfs-srv-1:/mnt/a"
    assert site.answer(site.hosts["nfs-cli"], mounted) == ""


def test_a_plain_site_goes_round(site: Site) -> None:
    old, new, client = site.hosts[OLD], site.hosts[NEW], site.hosts["nfs-cli"]
    spec = server_spec(site, PLAIN)
    assert states(act(old, "apply", spec)) == {PRESENT}
    assert states(act(old, "check", spec)) == {PRESENT}
    released = act(old, "release", spec)
    assert states(released) == {ABSENT}, released
    move(site, NEW)
    spec = server_spec(site, PLAIN)
    applied = act(new, "apply", spec)
    assert states(applied) == {PRESENT}, applied
    taken = act(client, "apply", client_spec(PLAIN.clients[0], NEW))
    assert states(taken) == {PRESENT}, taken
    assert not any(layer.changed for layer in act(new, "apply", spec))
    mounted = client.mounts.top("/mnt/nfs/a")
    assert mounted
    assert mounted.source == "nfs-srv-2:/mnt/a"
