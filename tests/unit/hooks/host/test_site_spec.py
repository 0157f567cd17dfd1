"""The spec that an operator's run leaves on a server that stands by, and on which instance it counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hooks.boot import metadata
from hooks.contract.result import Layer
from hooks.host import places, site_spec
from hooks.host.host import CommandFailed
from hooks.probe import ready
from tests.unit.hooks.scripted_host import PlannedHost, fixture, units_below_nfsd

TEXT = fixture("server-spec.json")
UUID = "5f0c6a4e-0b1d-4c53-9a55-3a9d5d0f1c21"
UNIT = {places.UNIT: "[Service]\n"}
KERNEL = {"/proc/filesystems": "nodev\tnfsd\n\txfs\n"}
BELOW = units_below_nfsd("active", "active", "active")


def instance(root: Path, ocid: str = "ocid1.instance.oc1..me", **case: Any) -> PlannedHost:
    files = {**KERNEL, **case.pop("files", {})}
    case = {"metadata": {"/opc/v2/instance/id": ocid}, "files": files, "commands": [BELOW, BELOW], **case}
    return PlannedHost(str(root), case)


def made_ready(host: PlannedHost, text: str) -> list[Layer]:
    """What it has beside the modules, which its kernel has loaded, and the units, which run."""
    modules, units, *others = ready.ready(host, text)
    assert [(x.layer, x.changed) for x in (modules, units)] == [("modules", False), ("units", False)]
    return others


def test_it_has_no_portals_and_is_root_s_own(tmp_path: Path) -> None:
    made = instance(tmp_path, files=UNIT)
    layers = [made_ready(made, TEXT) for _ in range(2)]
    assert [[(x.layer, x.state, x.changed) for x in many] for many in layers] == [
        [("spec", "present", True)],
        [("spec", "present", False)],
    ]
    kept = site_spec.kept(made)
    assert kept is not None
    assert kept["volumes"] == [
        {"name": item["name"], "volume_id": item["volume_id"]} for item in json.loads(TEXT)["volumes"]
    ]
    assert (tmp_path / site_spec.FILE.lstrip("/")).stat().st_mode & 0o777 == 0o600


def test_a_server_without_a_boot_service_has_none(tmp_path: Path) -> None:
    assert made_ready(instance(tmp_path), TEXT) == []
    assert site_spec.kept(instance(tmp_path / "b")) is None


def test_a_run_that_does_not_know_the_filesystems_uuids_keeps_those_of_before(tmp_path: Path) -> None:
    known = json.loads(TEXT)
    known["filesystems"][0]["uuid"] = UUID
    made_ready(instance(tmp_path, files=UNIT), json.dumps(known))
    for text, uuid in ((TEXT, UUID), (TEXT.replace('"/mnt/a"', '"/mnt/b"'), None)):
        made_ready(made := instance(tmp_path), text)
        kept = site_spec.kept(made)
        assert kept is not None
        assert [item["uuid"] for item in kept["filesystems"]] == [uuid]  # type: ignore[attr-defined]


def test_a_copy_of_the_disk_in_another_instance_goes_by_its_metadata(tmp_path: Path) -> None:
    made_ready(instance(tmp_path, files=UNIT), TEXT)
    assert site_spec.kept(instance(tmp_path, "ocid1.instance.oc1..other")) is None
    (tmp_path / site_spec.FILE.lstrip("/")).write_text("{half")
    assert site_spec.kept(instance(tmp_path)) is None


def test_an_instance_whose_name_is_not_known_keeps_none(tmp_path: Path) -> None:
    (layer,) = made_ready(instance(tmp_path, "", files=UNIT), TEXT)
    assert (layer.state, "no OCID of this instance" in layer.message) == ("broken", True)
    with pytest.raises(CommandFailed):
        site_spec.keep(instance(tmp_path / "b", ""), TEXT)


def test_a_metadata_service_that_is_silent_costs_the_spec_alone(tmp_path: Path) -> None:
    made_ready(instance(tmp_path, files=UNIT), TEXT)
    silent = PlannedHost(str(tmp_path), {"files": {**UNIT, **KERNEL}, "commands": [BELOW]})
    (layer,) = made_ready(silent, TEXT)
    assert (layer.layer, layer.state) == ("spec", "broken")
    assert "no answer" in layer.message


def test_portals_of_now_are_filled_into_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = instance(tmp_path, files=UNIT)
    made_ready(made, TEXT.replace('"/mnt/a"', '"/mnt/b"'))
    volumes = json.loads(TEXT)["volumes"]
    attached = [
        {"id": f"a{n}", "volumeId": item["volume_id"], "iqn": item["iqn"], "ipv4": f"169.254.2.{n + 7}"}
        for n, item in enumerate(volumes)
    ]
    monkeypatch.setattr(metadata, "get", lambda path, _: json.dumps(attached) if "olume" in path else None)
    now = metadata.look("", site_spec.kept(made))
    assert (now.attached, now.total) == (2, 2)
    assert '"/mnt/b"' in now.text
    assert [item["address"] for item in json.loads(now.text)["volumes"]] == ["169.254.2.7", "169.254.2.8"]
