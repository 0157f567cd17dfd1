"""Canaries in real files: written durably, read past the cache, found damaged, tried by a client."""

# ruff: noqa: PTH115, PTH208 - descriptors, not paths

import errno
import os
import signal
import stat
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hooks.contract.result import ABSENT, BROKEN, PRESENT, UNKNOWN, Layer
from hooks.hints.kernel_log import complaints
from hooks.host.host import CommandFailed, Host, OutOfTime
from hooks.probe import canary, canary_files
from hooks.probe.child import run_in_child
from tests.unit.hooks.probe.data_host import CANARIES, client, flip, server, serves, spec


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(canary.walk, "check", serves)
    return tmp_path


@pytest.fixture
def folder(root: Path) -> Path:
    """The canaries of a server, written once."""
    assert refreshed(root).state == PRESENT
    return root / CANARIES[1:]


def refreshed(root: Path, **host: Any) -> Layer:
    (layer,) = canary.refresh(server(str(root), **host), spec("server"), ())
    return layer


def looked(root: Path, **host: Any) -> Layer:
    layer, exports = canary.probe(server(str(root), **host), spec("server"), ())
    assert (exports.layer, exports.state) == ("exports", PRESENT)
    return layer


def tried(root: Path, lies_on: int = 90, **changes: Any) -> Layer:
    (layer,) = canary.probe(client(str(root), lies_on), spec("client", **changes), ())
    return layer


def named(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_refresh_keeps_the_fixed_ones_and_one_generation_of_fresh_ones(root: Path, folder: Path) -> None:
    fixed = {name: (folder / name).read_bytes() for name in canary_files.FIXED}
    assert {len(content) for content in fixed.values()} == {65536}
    assert len(set(fixed.values())) == 4
    assert named(folder) == {*fixed, "fresh-1", "manifest.json", "probe"}
    layer = refreshed(root)
    assert (layer.layer, layer.changed) == ("data /mnt/a", True)
    assert named(folder) == {*fixed, "fresh-1", "fresh-2", "manifest.json", "probe"}
    layer = refreshed(root)
    assert named(folder) == {*fixed, "fresh-2", "fresh-3", "manifest.json", "probe"}
    assert {name: (folder / name).read_bytes() for name in fixed} == fixed
    manifest: Any = layer.facts["manifest"]
    assert (manifest["serial"], set(manifest["files"])) == (3, {*fixed, "fresh-3"})
    assert looked(root).facts["manifest"] == manifest


def test_others_may_read_them_and_nobody_but_the_writer_may_write(root: Path, folder: Path) -> None:
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in named(folder)}
    assert modes.pop("probe") == 0o700
    assert set(modes.values()) == {0o644}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    exports = [{"path": "/mnt/a", "clients": ["*"], "options": "rw,anonuid=70000"}]
    places = canary.places(spec("server", exports=exports))
    assert [(p.path, p.writer) for p in places] == [("/mnt/a", 70000)]
    exports[0]["options"] = "rw,anongid=5"
    assert canary.places(spec("server", exports=exports))[0].writer == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder away")
def test_the_probe_folder_is_given_to_whom_the_export_makes_of_root(root: Path) -> None:
    exports = [{"path": "/mnt/a", "clients": ["*"], "options": "rw"}]
    canary.refresh(server(str(root)), spec("server", exports=exports), ())
    assert (root / CANARIES[1:] / "probe").stat().st_uid == 65534


def test_an_exported_folder_below_a_filesystem_has_its_own(root: Path) -> None:
    (root / "mnt/a/home").mkdir(parents=True)
    exports = [{"path": "/mnt/a/home", "clients": ["*"], "options": f"rw,anonuid={os.geteuid()}"}]
    found = canary.refresh(server(str(root)), spec("server", exports=exports), ())
    assert [(layer.layer, layer.state) for layer in found] == [
        ("data /mnt/a", PRESENT),
        ("data /mnt/a/home", PRESENT),
    ]
    assert not (root / "mnt/a/.nfs-failover/probe").exists()
    assert (root / "mnt/a/home/.nfs-failover/probe").is_dir()


def test_nothing_is_written_where_the_volumes_are_not_mounted_as_specified(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = [Layer("filesystem", ABSENT, False, 0.0, "not mounted: /mnt/a", {})]
    asked: list[object] = []
    monkeypatch.setattr(canary.walk, "check", lambda *args: asked.append(args[2]) or absent)
    assert canary.refresh(server(str(root)), spec("server"), ()) == absent
    assert asked == [("lvm", "filesystem")]
    assert not (root / CANARIES[1:]).exists()


@pytest.mark.parametrize("lies_on", [22, 7])
def test_nothing_is_written_below_a_mount_that_is_not_there(root: Path, lies_on: int) -> None:
    layer = refreshed(root, lies_on=lies_on)
    assert (layer.state, layer.message) == (
        BROKEN,
        "/mnt/a: it does not lie on what should be mounted on /mnt/a; nothing was read or written",
    )
    assert not (root / CANARIES[1:]).exists()


def test_a_client_writes_nothing_below_a_mount_that_is_not_there(root: Path, folder: Path) -> None:
    assert "nothing was read or written" in tried(root, lies_on=22).message


def test_a_flipped_byte_is_named_and_stays_as_it_is(root: Path, folder: Path) -> None:
    flip(str(folder / "canary-3"))
    damaged = (folder / "canary-3").read_bytes()
    for layer in (looked(root), tried(root), refreshed(root)):
        assert layer.state == BROKEN
        assert ": canary-3: found other content, expected what was written there until 2" in layer.message
        assert "manifest" not in layer.facts
    assert (folder / "canary-3").read_bytes() == damaged
    assert not (folder / "fresh-2").exists()


def test_a_canary_that_is_gone_or_replaced_is_named(root: Path, folder: Path) -> None:
    (folder / "fresh-1").unlink()
    assert "fresh-1: found [Errno 2] No such file" in looked(root).message
    os.mkfifo(folder / "fresh-1")
    assert "fresh-1: found [Errno 29]" in looked(root).message, "and a FIFO holds nobody up"
    (folder / "fresh-1").unlink()
    (folder / "fresh-1").symlink_to("canary-1")
    assert "fresh-1: found [Errno 40]" in looked(root).message


@pytest.mark.parametrize(
    "text", ["", "[]", '{"files": []}', '{"files": {}}', '{"files": {}, "written": "x"}', "\udcff"]
)
def test_a_manifest_that_is_none_is_broken_and_not_absent(root: Path, folder: Path, text: str) -> None:
    (folder / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    assert (looked(root).state, looked(root).message) == (
        BROKEN,
        "/mnt/a: manifest.json: found no manifest in it",
    )


def test_a_refresh_that_is_cut_off_leaves_the_canaries_whole(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = canary_files.put

    def cut_off(name: str, content: bytes, descriptor: int) -> None:
        if name == "manifest.json":
            os._exit(1)
        put(name, content, descriptor)

    monkeypatch.setattr(canary_files, "put", cut_off)
    assert "its process ended without an answer" in refreshed(root).message
    assert (folder / "fresh-2").exists()
    monkeypatch.undo()
    monkeypatch.setattr(canary.walk, "check", serves)
    assert looked(root).state == PRESENT
    assert refreshed(root).facts["manifest"]["serial"] == 2  # type: ignore[index]


def test_each_file_is_on_disk_before_its_name_is(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def noted(name: str, *args: Any, **keywords: Any) -> None:
        on = os.readlink(f"/proc/self/fd/{args[0]}") if name == "fsync" else args[1]
        calls.append(f"{name} {Path(on).name}")
        real[name](*args, **keywords)

    real = {name: getattr(os, name) for name in ("fsync", "rename")}
    for name in real:
        monkeypatch.setattr(os, name, partial(noted, name))
    (root / "mnt/a").mkdir(parents=True)
    canary_files.write(os.open(root / "mnt/a", os.O_DIRECTORY), None)
    each = [*canary_files.FIXED, "fresh-1", "manifest.json"]
    assert calls == [call for n in each for call in (f"fsync {n}.new", f"rename {n}", "fsync .nfs-failover")]


def test_what_the_page_cache_has_is_dropped_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[tuple[str, int, int, int]] = []
    monkeypatch.setattr(
        os,
        "posix_fadvise",
        lambda fd, *rest: dropped.append((Path(os.readlink(f"/proc/self/fd/{fd}")).name, *rest)),
    )
    canary_files.read(os.open(folder, os.O_DIRECTORY))
    assert {name for name, *_ in dropped} == {"manifest.json", "fresh-1", *canary_files.FIXED}
    assert {tuple(rest) for _, *rest in dropped} == {(0, 0, os.POSIX_FADV_DONTNEED)}


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_may_change_is_not_trusted(root: Path, folder: Path, mode: int) -> None:
    folder.chmod(mode)
    for layer in (looked(root), refreshed(root)):
        assert (layer.state, "expected root's own folder" in layer.message) == (BROKEN, True)


def test_a_user_s_link_in_its_place_is_not_followed(root: Path, tmp_path: Path) -> None:
    (root / "mnt/a").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (root / CANARIES[1:]).symlink_to(tmp_path / "elsewhere")
    assert {looked(root).state, refreshed(root).state} == {BROKEN}
    assert not list((tmp_path / "elsewhere").iterdir())


def test_damage_that_the_kernel_saw_comes_before_a_refresh(root: Path, folder: Path) -> None:
    said = "[ 9.1] XFS (dm-0): Mounting V5 Filesystem\n[99.0] XFS (dm-0): log I/O error -5\n"
    for layer in (looked(root, dmesg=said), refreshed(root, dmesg=said)):
        assert (layer.state, layer.message) == (
            BROKEN,
            "/mnt/a: the kernel says: XFS (dm-0): log I/O error -5",
        )
    assert not (folder / "fresh-2").exists()


def test_a_client_leaves_nothing_behind_and_old_leftovers_are_removed(root: Path, folder: Path) -> None:
    layer = tried(root)
    assert (layer.layer, layer.state) == ("data /mnt/nfs/a", PRESENT)
    assert not list((folder / "probe").iterdir())
    for name, age in (("died", 7200), ("works", 60)):
        (folder / "probe" / name).write_text("x")
        os.utime(folder / "probe" / name, (time.time() - age,) * 2)
    refreshed(root)
    assert named(folder / "probe") == {"works"}


@pytest.mark.parametrize(
    ("number", "says"), [(errno.EROFS, "Read-only file system"), (errno.ENOSPC, "No space left on device")]
)
def test_a_client_s_write_that_fails_is_told(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(canary_files, "fill", fail)
    layer = tried(root)
    assert (layer.state, layer.facts["write"]) == (BROKEN, says)
    assert not list((folder / "probe").iterdir())


def test_a_write_that_comes_back_as_other_bytes_is_told(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = canary_files.fill
    monkeypatch.setattr(canary_files, "fill", lambda fd, content, mode: fill(fd, content[:-1] + b"?", mode))
    assert tried(root).facts["write"] == "other bytes came back than were written"


def test_a_client_without_a_probe_folder_or_of_another_server(root: Path, folder: Path) -> None:
    (folder / "probe").rmdir()
    assert tried(root).facts["write"] == "No such file or directory"
    layer = tried(root, server="nfs-srv-1")
    assert (layer.state, layer.message) == (
        BROKEN,
        "/mnt/nfs/a: found nfs-srv-2:/mnt/a, expected nfs-srv-1:/mnt/a; neither read nor written",
    )


def test_a_folder_without_canaries_is_not_written_to(root: Path) -> None:
    layer = tried(root)
    assert (layer.state, layer.facts) == (ABSENT, {"manifest": None, "write": "not tried"})
    assert looked(root).state == ABSENT
    assert not (root / CANARIES[1:]).exists()


def test_a_dead_server_holds_only_the_child(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "CLIENT_SECONDS", 0.2)
    monkeypatch.setattr(canary_files, "read", lambda _: time.sleep(60))
    (root / CANARIES[1:]).mkdir(parents=True)
    began = time.monotonic()
    layer = tried(root)
    assert (layer.state, layer.message) == (UNKNOWN, "/mnt/nfs/a: no answer within 0 s")
    assert time.monotonic() - began < 5


def test_the_child_keeps_nothing_open_and_dies_at_its_deadline(tmp_path: Path) -> None:
    host = Host(60)
    with (tmp_path / "lock").open("w"):
        kept = run_in_child(host, "x", lambda: os.listdir("/proc/self/fd"), 5)
    assert set(kept) <= {"0", "1", "2", "3", "4"}  # 4: the listing's own
    note = tmp_path / "pid"

    def hang() -> None:
        note.write_text(str(os.getpid()))
        time.sleep(60)

    with pytest.raises(OutOfTime, match="x: no answer within 1 s"):
        run_in_child(host, "x", hang, 1)
    _, status = os.waitpid(int(note.read_text()), 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_what_the_child_raised_is_raised(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"x: \[Errno 2\] No such file or directory: '/no/such'"):
        run_in_child(Host(60), "x", lambda: os.listdir("/no/such"), 5)
    with pytest.raises(CommandFailed, match="ended without an answer"):
        run_in_child(Host(60), "x", lambda: 1 / 0, 5)
    with pytest.raises(OutOfTime):
        run_in_child(Host(-1), "x", lambda: time.sleep(60), 5)


MOUNTED = "[    5.1] XFS (dm-0): Mounting V5 Filesystem\n[    5.3] XFS (dm-0): Ending clean mount\n"


@pytest.mark.parametrize(
    "line",
    [
        "XFS (dm-0): Corruption of in-memory data (0x8) detected at xfs_x+0x1.  Shutting down filesystem.",
        "XFS (dm-0): Metadata corruption detected at xfs_buf_ioend+0x1, xfs_inode block 0x80",
        "XFS (dm-0): log I/O error -5",
        "XFS (dm-0): Metadata I/O Error (0x4) detected at xfs_fs_goingdown+0x71 [xfs] (xfs_fsops.c:495).",
        'XFS (dm-0): metadata I/O error in "xfs_da_read_buf+0xd" at daddr 0x60 len 8 error 5',
        "XFS (dm-0): Unmount and run xfs_repair",
        "EXT4-fs error (device dm-0): ext4_lookup:1604: inode #2: comm ls: deleted inode referenced: 12",
    ],
)
def test_the_kernel_s_complaints_since_the_mount(line: str) -> None:
    assert complaints(f"{MOUNTED}[   99.0] {line}\n", "dm-0") == [line]
    assert complaints(f"[   99.0] {line}\n", "dm-0") == [line], "the mount's own line may be overwritten"
    assert complaints(f"[    1.0] {line}\n{MOUNTED}", "dm-0") == [], "an earlier mount's"
    assert complaints(f"{MOUNTED}[   99.0] {line}\n", "dm-10") == []
    assert complaints(f"{MOUNTED}[   99.0] {line.replace('dm-0', 'dm-10')}\n", "dm-0") == []


def test_a_mount_with_log_recovery_is_no_complaint() -> None:
    recovery = (
        "XFS (dm-0): Starting recovery (logdev: internal)\nXFS (dm-0): Ending recovery (logdev: internal)\n"
    )
    assert complaints(MOUNTED + recovery + "XFS (sdb): log I/O error -5\n", "dm-0") == []


@pytest.mark.parametrize(
    ("options", "shown", "says"),
    [
        ("rw,sync", "sync,wdelay,fsid=1,sec=sys,ro,root_squash", "found ro, expected rw"),
        ("rw,sync", "async,fsid=1,rw", "found async, expected sync"),
        ("rw,root_squash", "fsid=1,rw,no_root_squash", "found no_root_squash, expected root_squash"),
        ("rw,no_root_squash", "fsid=1,rw,root_squash", "found root_squash, expected no_root_squash"),
        ("rw", "fsid=2,rw", "found fsid=2, expected fsid=1"),
        ("rw", "rw", "found none, expected fsid=1"),
        ("rw,anonuid=5", "fsid=1,rw,anonuid=6", "found anonuid=6, expected anonuid=5"),
        ("rw,anonuid=65534,sec=sys,mp", "fsid=1,rw,sec=sys:krb5,mountpoint,no_root_squash", ""),
    ],
)
def test_an_export_with_other_options_than_the_spec_s(
    root: Path, options: str, shown: str, says: str
) -> None:
    exports = [{"path": "/mnt/a", "clients": ["10.0.0.0/16"], "options": options, "fsid": 1}]
    host = server(str(root), exported=f"/mnt/a  10.0.0.0/16({shown})\n/srv *(ro)\n")
    layer = canary.probe(host, spec("server", exports=exports), ())[-1]
    state, told = (
        (BROKEN, f"/mnt/a to 10.0.0.0/16: {says}") if says else (PRESENT, "exported with the options")
    )
    assert (layer.layer, layer.state) == ("exports", state)
    assert layer.message.startswith(told)
