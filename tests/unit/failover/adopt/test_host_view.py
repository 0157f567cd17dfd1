"""The inventory as values: a part that storage cannot be told without is never taken for an empty one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from failover.adopt import host_view, observe
from failover.command.site_file import parse
from failover.model.host.hook_report import HookReport
from failover.model.outcome import Unknown, Usage
from hooks.contract.result import HookResult, Layer


def report(*layers: Layer) -> HookReport:
    return HookReport(
        "nfs-srv-1", HookResult("inventory", "server", "nfs-srv-1", True, False, 0.0, "", layers)
    )


def broken(name: str, message: str) -> Layer:
    return Layer(name, "broken", False, 0.0, message, {})


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the server answer with these layers; what adopt makes of it."""

    def look(*layers: Layer) -> observe.HostLook:
        class Runner:
            def at(self, name: str, address: str) -> Any:
                return self

            def hooks(self, action: str, spec: Any, seconds: float) -> HookReport:
                return report(*layers)

            def close(self) -> None:
                pass

        monkeypatch.setattr(observe, "Hosts", lambda site: Runner())
        return observe.host_of(parse({}, Path("/etc/nfs/site.toml")), "nfs-srv-1", "10.0.0.11", "")

    return look


@pytest.mark.parametrize("part", ["iscsi", "lvm", "block", "fstab", "mounts", "exports"])
def test_a_part_that_was_not_read_is_no_empty_one(part: str, answer: Any) -> None:
    found = answer(broken(part, "did not end within 60 s"))
    assert found.host is None
    assert f"nfs-srv-1 lets us in, and was not read: {part}: did not end within 60 s" in found.reason


def test_a_server_without_lvm_is_read(answer: Any) -> None:
    lvm = broken("lvm", "pvs: command not found; install the package that has it")
    assert answer(lvm).host == host_view.parse(report(lvm))
    assert answer(broken("nfs", "x")).host.unread == ("nfs: x",)


def test_an_inventory_of_another_shape_is_said() -> None:
    odd = Layer("lvm", "present", False, 0.0, "", {"physical": [{"device": "/dev/sdb"}]})
    with pytest.raises(Unknown, match="its inventory is not as expected: KeyError"):
        host_view.parse(report(odd))


def test_a_snapshot_is_told_by_its_origin_for_lvs_calls_it_linear(answer: Any) -> None:
    row = {
        "vg_name": "vg1",
        "lv_name": "snap",
        "lv_active": "active",
        "segtype": "linear",
        "stripes": "1",
        "stripe_size": "0",
        "devices": "/dev/sdb(9)",
        "origin": "lv01",
        "device": "/dev/dm-3",
    }
    facts = {"physical": [], "segments": [row, {**row, "lv_name": "lv01", "origin": ""}]}
    (snapshot, plain) = host_view.parse(report(Layer("lvm", "present", False, 0.0, "", facts))).segments
    assert (snapshot.name, snapshot.kind, plain.kind) == ("snap", "snapshot", "linear")


@pytest.mark.parametrize(
    "text", ["  ocid1.instance.oc1.ap-tokyo-1.aaaa\n", "\tocid1.instance.oc1.ap-tokyo-1.aaaa"]
)
def test_an_ocid_is_taken_without_the_blanks_around_it(text: str) -> None:
    assert observe.checked_ocid(text, "instance", "--instance") == "ocid1.instance.oc1.ap-tokyo-1.aaaa"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ocid1.volume.oc1.ap-tokyo-1.aaaa", "found the OCID of a volume, expected one of instance"),
        ("ocid1.instance", "--instance ocid1.instance: found no OCID"),
        ("", "--instance '': found no OCID"),
        ("ocid1.instance.oc1.x.a ocid1.instance.oc1.x.b", "found no OCID"),
    ],
)
def test_what_is_no_ocid_of_an_instance_is_named(text: str, words: str) -> None:
    with pytest.raises(Usage) as raised:
        observe.checked_ocid(text, "instance", "--instance")
    assert words in raised.value.reason
