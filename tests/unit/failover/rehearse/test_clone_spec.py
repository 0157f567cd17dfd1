"""The spec of a rehearsal: the site's own on other volumes, which the hooks accept, and offered to nobody."""

from __future__ import annotations

import json
from typing import Any

from failover.model.attachments import Attachment
from failover.model.stack_output import Stack, Volume
from failover.rehearse.clone_spec import LOOPBACK, clone_spec, offered_to_others, on_clones
from hooks.contract.parse import parse
from hooks.contract.spec import ServerSpec

IQN = "iqn.2015-12.com.oracleiaas:"
SPEC: dict[str, Any] = {
    "version": 1,
    "role": "server",
    "volumes": [
        {"name": "bv1", "volume_id": "ocid1.volume.1"},
        {"name": "bv2", "volume_id": "ocid1.volume.2"},
    ],
    "volume_groups": [{"name": "vg1", "volumes": ["bv1", "bv2"]}],
    "filesystems": [
        {"volume_group": "vg1", "logical_volume": "lv01", "volume": None, "mount": "/mnt/a", "uuid": None}
    ],
    "exports": [
        {"path": "/mnt/a", "clients": ["10.0.0.0/16"], "options": "rw,sync", "fsid": 1},
        {"path": "/mnt/a", "clients": ["@admins"], "options": "rw,sync,no_root_squash", "fsid": 1},
    ],
    "service_address": {"address": "10.0.0.100", "prefix": 24},
    "networks": ["10.0.2.0/24"],
}
CLONES = {"bv1": "ocid1.volume.c1", "bv2": "ocid1.volume.c2"}


def site() -> Stack:
    volumes = {
        name: Volume(name, f"ocid1.volume.{name[-1]}", "a", "i", IQN + name, "169.254.2.9", 3260)
        for name in ("bv1", "bv2")
    }
    return Stack("nfs-srv-1", "c", {}, volumes, SPEC, service_ip="10.0.0.100", dns_name="nfs.example")


def portals() -> dict[str, Attachment]:
    return {
        ocid: Attachment(ocid, ocid, "i2", "ATTACHED", IQN + ocid, f"169.254.2.{number}", 3260, False)
        for number, ocid in enumerate(CLONES.values(), start=20)
    }


def test_the_hooks_accept_it_and_find_the_clones_alone() -> None:
    parsed = parse(json.dumps(clone_spec(site(), CLONES, portals(), 60)))
    assert isinstance(parsed, ServerSpec)
    assert [(one.volume_id, one.iqn, one.address) for one in parsed.volumes] == [
        ("ocid1.volume.c1", IQN + "ocid1.volume.c1", "169.254.2.20"),
        ("ocid1.volume.c2", IQN + "ocid1.volume.c2", "169.254.2.21"),
    ]
    assert [(one.path, one.clients) for one in parsed.exports] == [("/mnt/a", (LOOPBACK,))]
    assert (parsed.service_address, parsed.networks) == (None, ())


def test_a_portal_of_production_is_never_in_it() -> None:
    text = json.dumps(clone_spec(site(), CLONES, {}, 60))
    assert "169.254.2.9" not in text
    assert "ocid1.volume.1" not in text
    stack = on_clones(site(), CLONES)
    assert (stack.service_ip, stack.dns_name) == (None, None)
    assert {one.iqn for one in stack.volumes.values()} == {None}


def test_an_export_to_somebody_else_is_seen() -> None:
    table = [
        "/mnt/a to 127.0.0.1/32",
        "/mnt/a to 10.0.0.0/16",
        "/mnt/a/sub to *",
        "/mnt/ab to *",
        "/srv to *",
    ]
    assert offered_to_others(table, site()) == ("/mnt/a to 10.0.0.0/16", "/mnt/a/sub to *")
    assert offered_to_others(["/mnt/a to 127.0.0.1"], site()) == ()
    assert offered_to_others(None, site()) == ()
