"""What the target is called in the place of a former server, on a site with two networks."""

import pytest

from hooks.client import site_names
from hooks.client.site_names import SiteNames
from hooks.contract.client_spec import ClientSpec, KnownServer

OLD = KnownServer("nfs-srv-1", "nfs-srv-1", ("10.0.0.11", "10.0.2.4"))
NEW = KnownServer("nfs-srv-2", "nfs-srv-2", ("10.0.0.12", "10.0.2.12"))
SPEC = ClientSpec(120, "remount", "nfs-srv-2", (OLD, NEW), (), ("/mnt/a",), None, ())
NAMES = {
    "nfs-srv-1": ["10.0.0.11"],
    "nfs-srv-2": ["10.0.0.12"],
    "nfs-srv-1-storage": ["10.0.2.4"],
}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("10.0.0.11", "10.0.0.12"),
        ("10.0.2.4", "10.0.2.12"),
        ("nfs-srv-1", "nfs-srv-2"),
        ("nfs-srv-1-storage", "10.0.2.12"),  # the target's name leads to the other network
    ],
)
def test_the_target_is_called_by_its_address_in_the_same_network(
    before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_names, "resolved", lambda host, names, seconds=3.0: NAMES)
    names = SiteNames(None, SPEC, NAMES)  # no host is asked: `resolved` is the only way to one
    assert names.owner(before) == "nfs-srv-1"
    assert names.target_as(before) == after
