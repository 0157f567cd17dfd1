"""What is known of the canaries against what is read, and what clients read against the server. Pure."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from failover.model.finding import Finding
from failover.model.outcome import Failed
from failover.model.site import Client, ClientMount
from failover.verify import canaries, data_findings
from failover.verify.canaries import Known, Manifest
from failover.verify.data_findings import _of_the_service
from hooks.contract.result import Layer
from hooks.probe.canary_files import FIXED

AT = datetime(2026, 3, 14, 3, 12, tzinfo=UTC)
CLIENT = Client("nfs-cli", "10.0.0.21", (ClientMount("/mnt/a", "/mnt/nfs/a"),))


def manifest(serial: int = 3, fixed: str = "a", fresh: str = "f") -> Manifest:
    return Manifest(serial, AT, {**dict.fromkeys(FIXED, fixed), f"fresh-{serial}": fresh})


def facts(of: Manifest | None) -> dict[str, Any]:
    if of is None:
        return {"manifest": None}
    return {
        "manifest": {"serial": of.serial, "written": "2026-03-14T03:12:00Z", "files": dict(of.files)},
    }


def layer(name: str, state: str = "present", **of: Any) -> Layer:
    return Layer(name, state, False, 0.0, f"it is {state}", of)


def judged(server: Any, client: Any, known: Path, options: str = "rw") -> dict[str, tuple[bool, str]]:
    seen: Any = SimpleNamespace(
        target="nfs-srv-2",
        stack=SimpleNamespace(spec={"exports": [{"path": "/mnt/a", "options": options}]}),
    )
    found = data_findings.judge(seen, server, {CLIENT: client}, Known(known))
    return {f.subject: (f.ok, f.actual) for f in found}


def on_client(of: Manifest | None, wrote: str = "written", state: str = "present") -> tuple[Layer, ...]:
    return (layer("data /mnt/nfs/a", state, write=wrote, **facts(of)),)


def on_server(of: Manifest | None) -> tuple[Layer, ...]:
    return (layer("data /mnt/a", "present" if of else "absent", **facts(of)),)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (manifest(), ""),
        (manifest(4), ""),
        (None, "are gone"),
        (manifest(2), "older than it was"),
        (manifest(4, fixed="b"), "another filesystem"),
        (manifest(3, fresh="g"), "a copy that went its own way"),
    ],
)
def test_what_can_be_the_known_data(found: Manifest | None, says: str) -> None:
    told = canaries.objection(found, manifest())
    assert (told == "") is (says == "")
    assert says in told
    assert canaries.objection(found, None) == ""


def test_the_copy_is_kept_by_folder(tmp_path: Path) -> None:
    known = Known(tmp_path)
    assert known.read() == {}
    known.keep({"/mnt/a": manifest(1), "/mnt/b": manifest(7)})
    known.keep({"/mnt/a": manifest(2)})
    assert known.read() == {"/mnt/a": manifest(2), "/mnt/b": manifest(7)}
    known.file.write_text('{"folders": {"/mnt/a": {"serial": 1}}}')
    with pytest.raises(Failed, match=r"canaries\.json: found no manifests of canaries in it"):
        known.read()


def test_age_is_told_in_hours() -> None:
    assert manifest().describe(AT + timedelta(minutes=90)) == (
        "5 canaries, written 2026-03-14 03:12 UTC (1.5 h ago)"
    )


def test_a_server_that_could_not_be_asked_or_read_is_not_right(tmp_path: Path) -> None:
    assert judged("no route to host", (), tmp_path) == {"data on nfs-srv-2": (False, "no route to host")}
    found = judged((layer("data /mnt/a", "broken"), layer("exports", "broken")), on_client(None), tmp_path)
    assert found == {
        "data /mnt/a": (False, "it is broken"),
        "exports": (False, "it is broken"),
        "data /mnt/nfs/a on nfs-cli": (True, "neither read nor written: no canaries on it"),
    }


@pytest.mark.parametrize(
    ("client", "ok", "says"),
    [
        ("nfs-cli: no end within 120 s", False, "no end within"),
        (on_client(manifest()), True, "5 canaries read over NFS; a file written, read back and removed"),
        (on_client(None, "not tried"), False, "not what nfs-srv-2 has in /mnt/a: the canaries written"),
        (on_client(manifest(fixed="b")), False, "another filesystem"),
        (on_client(manifest(2)), False, "older than it was"),
        (on_client(manifest(), "Read-only file system", "broken"), False, "a write: Read-only file system"),
        (on_client(manifest(), "No space left on device", "broken"), False, "a write: No space left"),
        ((layer("data /mnt/nfs/a", "unknown"),), False, "it is unknown"),
    ],
)
def test_a_client_against_the_server(client: Any, ok: bool, says: str, tmp_path: Path) -> None:
    found = judged(on_server(manifest()), client, tmp_path)
    (told,) = [v for k, v in found.items() if k.endswith("on nfs-cli")]
    assert told[0] is ok
    assert says in told[1]


@pytest.mark.parametrize(
    ("options", "wrote", "ok"),
    [
        ("ro,sync", "Read-only file system", True),
        ("sync", "Read-only file system", True),
        ("ro", "Permission denied", False),
        ("rw", "Read-only file system", False),
    ],
)
def test_a_read_only_export_gets_only_a_read(options: str, wrote: str, ok: bool, tmp_path: Path) -> None:
    found = judged(on_server(manifest()), on_client(manifest(), wrote, "broken"), tmp_path, options)
    assert found["data /mnt/nfs/a on nfs-cli"][0] is ok


def test_a_server_s_finding_says_what_to_do(tmp_path: Path) -> None:
    Known(tmp_path).keep({"/mnt/a": manifest(4)})
    seen: Any = SimpleNamespace(target="nfs-srv-2")
    (found,) = data_findings.judge(seen, on_server(manifest(3)), {}, Known(tmp_path))
    assert isinstance(found, Finding)
    assert not found.ok
    assert f"remove /mnt/a/.nfs-failover on nfs-srv-2 and {tmp_path}/canaries.json" in found.remedy


@pytest.mark.parametrize(("ok", "client"), [(True, True), (False, False)])
def test_data_that_is_wrong_on_every_client_is_the_services(ok: bool, client: bool) -> None:
    right = Finding("data /mnt/nfs/a on c1", ok, "", client=True)
    wrong = Finding("data /mnt/nfs/a on c2", False, "another filesystem", client=True)
    unasked = Finding("data on c3", False, "no answer", client=True)
    found = _of_the_service([right, wrong, unasked])
    assert [f.client for f in found[1:]] == [client, True]
