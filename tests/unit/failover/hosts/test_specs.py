"""The hooks' spec of a server: what is straight on a volume comes with its portal, or not at all."""

from __future__ import annotations

import json
from typing import Any

from failover.hosts import specs
from failover.model.attachments import Attachment
from failover.model.host.host_spec import ServerDocument
from failover.model.stack_output import Stack, Volume
from hooks.contract.parse import parse
from hooks.contract.spec import ServerSpec

UUID = "0f3b1b5c-6f1e-4b0e-9c3c-8d0c5a7e1f10"
IQN = "iqn.2015-12.com.oracleiaas:"
LVM = {"volume_group": "vg1", "logical_volume": "lv01", "volume": None, "mount": "/mnt/a", "uuid": None}
STRAIGHT = {
    "volume_group": None,
    "logical_volume": None,
    "volume": "bv2",
    "mount": "/mnt/a/b",
    "uuid": UUID,
}
MIXED: dict[str, Any] = {
    "version": 1,
    "role": "server",
    "volumes": [{"name": "bv1"}, {"name": "bv2"}],
    "volume_groups": [{"name": "vg1", "volumes": ["bv1"]}],
    "filesystems": [LVM, STRAIGHT],
    "exports": [{"path": path, "clients": ["*"]} for path in ("/mnt/a", "/mnt/a/b/c", "/mnt/a/bc")],
}


def made(*known: str) -> tuple[Stack, ServerDocument]:
    """The stack, and its spec for a server that holds the volumes that are `known`; the others never were."""
    volumes = {name: Volume(name, name, None, None, None, None, None) for name in ("bv1", "bv2")}
    stack = Stack("nfs-srv-1", "c", {}, volumes, MIXED)
    held = {n: Attachment(n, n, "i", "ATTACHED", IQN + n, "169.254.2.2", 3260, False) for n in known}
    return stack, specs.server_spec(stack, held, 60)


def test_the_whole_of_a_mixed_site() -> None:
    stack, spec = made("bv1", "bv2")
    assert specs.whole(stack, spec)
    parsed = parse(json.dumps(spec))
    assert isinstance(parsed, ServerSpec)
    assert [item.device for item in parsed.filesystems] == ["/dev/vg1/lv01", f"UUID={UUID}"]
    assert parsed.filesystems[1].iqns == (IQN + "bv2", IQN + "bv1")


def test_without_its_volume_s_portal_it_is_left_out_with_its_exports() -> None:
    stack, spec = made("bv1")
    assert not specs.whole(stack, spec)
    assert spec["filesystems"] == [LVM]
    assert [export["path"] for export in spec["exports"]] == ["/mnt/a", "/mnt/a/bc"]
    assert isinstance(parse(json.dumps(spec)), ServerSpec)


def test_a_group_without_a_volume_and_no_volume_at_all() -> None:
    stack, spec = made("bv2")
    assert not specs.whole(stack, spec)
    assert not specs.whole(*made())
