"""The hooks that are kept for another server's boot: on the disk and with the data, beside older versions."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hooks.contract.parse import parse
from hooks.contract.result import BROKEN, PRESENT
from hooks.contract.spec import Spec
from hooks.host import mounted_folder
from hooks.host.copies import digest, name_of
from hooks.host.host import Host
from hooks.probe import kept
from tests.unit.hooks.scripted_host import fixture

CONTENT = b"these hooks"
NAME = name_of(digest(CONTENT))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hooks.pyz").write_bytes(CONTENT)
    monkeypatch.setitem(sys.modules["__main__"].__dict__, "ARCHIVE", str(tmp_path / "hooks.pyz"))
    root = tmp_path / "root"
    (root / "mnt/a").mkdir(parents=True)

    def on_mount(host: Host, path: str, mount: str) -> int:
        return os.open(host.path(path), os.O_DIRECTORY)

    monkeypatch.setattr(mounted_folder, "open_on_mount", on_mount)
    return root


def server() -> Spec:
    return parse(fixture("server-spec.json"))


def test_it_lies_on_the_disk_and_with_the_data(root: Path) -> None:
    layers = kept.keep(Host(30, str(root)), server())
    assert [(x.layer, x.state, x.facts) for x in layers] == [
        ("hooks /opt/nfs-failover", PRESENT, {"sha256": [digest(CONTENT)]}),
        ("hooks /mnt/a", PRESENT, {"sha256": [digest(CONTENT)]}),
    ]
    # a client's root is nobody there (root_squash), and may read what is with the data
    for folder, mode in ((root / "opt/nfs-failover", 0o600), (root / "mnt/a/.nfs-failover", 0o644)):
        assert (folder / NAME).read_bytes() == CONTENT
        assert ((folder / NAME).stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (mode, 0o755)


def test_a_copy_that_is_right_is_not_written_again_and_one_that_was_changed_is(root: Path) -> None:
    kept.keep(Host(30, str(root)), server())
    copy = root / "mnt/a/.nfs-failover" / NAME
    before = copy.stat().st_ino
    kept.keep(Host(30, str(root)), server())
    assert copy.stat().st_ino == before
    copy.write_bytes(CONTENT + b"#")
    kept.keep(Host(30, str(root)), server())
    assert copy.read_bytes() == CONTENT


def test_older_versions_stay_but_not_for_ever(root: Path) -> None:
    folder = root / "mnt/a/.nfs-failover"
    folder.mkdir()
    for number in range(20):
        path = folder / f"hooks-{number:016x}.pyz"
        path.write_bytes(bytes([number]))
        os.utime(path, (number, number))
    (folder / "hooks.pyz").write_bytes(b"put there by somebody")
    kept.keep(Host(30, str(root)), server())
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 17
    assert {NAME, "hooks.pyz", "hooks-0000000000000013.pyz"} < set(names)
    assert "hooks-0000000000000000.pyz" not in names


def test_what_is_in_the_way_is_told_and_the_other_places_have_it(root: Path) -> None:
    (root / "mnt/a/.nfs-failover").mkdir(mode=0o777)
    (root / "mnt/a/.nfs-failover").chmod(0o777)
    disk, data = kept.keep(Host(30, str(root)), server())
    assert (disk.state, data.state) == (PRESENT, BROKEN)
    assert "expected root's own folder" in data.message


def test_from_a_checkout_and_for_a_client_there_is_none(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept.keep(Host(30, str(root)), parse(fixture("client-spec.json"))) == []
    monkeypatch.delitem(sys.modules["__main__"].__dict__, "ARCHIVE")
    assert kept.keep(Host(30, str(root)), server()) == []
