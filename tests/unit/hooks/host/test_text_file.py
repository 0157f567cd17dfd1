"""A file is replaced whole or not at all."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hooks.host import text_file
from hooks.host.host import HookError
from tests.unit.hooks.scripted_host import PlannedHost


@pytest.fixture
def host(tmp_path: Path) -> PlannedHost:
    return PlannedHost(str(tmp_path), {"files": {"/etc/fstab": "one\ntwo\n"}})


def test_the_diff_is_shown_and_mode_and_owner_stay(host: PlannedHost) -> None:
    path = Path(host.path("/etc/fstab"))
    path.chmod(0o640)
    os.chown(path, 65534, 65534) if os.geteuid() == 0 else None
    before = path.stat()
    assert text_file.edit(host, "/etc/fstab", lambda text: text.replace("two", "three"))
    after = path.stat()
    assert path.read_text() == "one\nthree\n"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_mtime_ns > before.st_mtime_ns
    assert {"-two\n", "+three\n"} <= set(host.notes)


def test_no_difference_no_write(host: PlannedHost) -> None:
    before = Path(host.path("/etc/fstab")).stat()
    assert not text_file.edit(host, "/etc/fstab", lambda text: text)
    assert Path(host.path("/etc/fstab")).stat() == before
    assert host.notes == []


def test_a_new_file_has_its_mode_and_an_empty_one_is_removed(host: PlannedHost) -> None:
    assert text_file.edit(host, "/etc/exports.d/own", lambda _: "text\n", mode=0o600)
    assert Path(host.path("/etc/exports.d/own")).stat().st_mode & 0o777 == 0o600
    assert text_file.edit(host, "/etc/exports.d/own", lambda _: "")
    assert not Path(host.path("/etc/exports.d/own")).exists()
    assert not text_file.edit(host, "/etc/exports.d/own", lambda _: "")


def test_a_new_file_and_its_folder_get_their_labels_where_a_policy_is_loaded(host: PlannedHost) -> None:
    own = Path(host.path("/etc/exports.d/own"))
    labelled = {"run": f"restorecon {own.parent} {own}"}
    policy = {"files": {"/sys/fs/selinux/enforce": "1"}}
    labels = PlannedHost(host.root, {**policy, "commands": [labelled]})
    assert text_file.edit(labels, "/etc/exports.d/own", lambda _: "text\n")
    labels.finish()
    assert text_file.edit(labels, "/etc/exports.d/own", lambda _: "other\n")  # which keeps the label it has


def test_a_symbolic_link_stays_one(host: PlannedHost) -> None:
    host.change({"links": {"/etc/linked": "fstab"}})
    text_file.edit(host, "/etc/linked", lambda text: text + "three\n")
    assert Path(host.path("/etc/linked")).is_symlink()
    assert Path(host.path("/etc/fstab")).read_text() == "one\ntwo\nthree\n"


def test_bytes_that_are_no_utf8_survive(host: PlannedHost) -> None:
    path = Path(host.path("/etc/fstab"))
    path.write_bytes(b"caf\xe9\r\ntwo\n")
    text_file.edit(host, "/etc/fstab", lambda text: text.replace("two", "three"))
    assert path.read_bytes() == b"caf\xe9\r\nthree\n"


@pytest.fixture
def _no_room() -> Iterator[None]:
    """No file may grow past 16 bytes: a full disk as far as write(2) is concerned."""
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limit[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    signal.signal(signal.SIGXFSZ, old)


@pytest.mark.usefixtures("_no_room")
def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(host: PlannedHost) -> None:
    with pytest.raises(HookError, match=r"etc/fstab: not written, it is as it was: .*File too large"):
        text_file.edit(host, "/etc/fstab", lambda text: text * 10)
    assert Path(host.path("/etc/fstab")).read_text() == "one\ntwo\n"
    assert [path.name for path in Path(host.path("/etc")).iterdir()] == ["fstab"]
