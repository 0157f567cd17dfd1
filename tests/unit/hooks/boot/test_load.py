"""The loader: which source comes first, what is never run, and what the console says when there is none."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hooks.boot import load, metadata, url, volume
from hooks.boot.load import GONE_LOOKS, Loader
from hooks.boot.metadata import AttachedVolumes, Unreachable
from hooks.contract.result import PRESENT, LayerFinding
from hooks.host import places, released
from hooks.host.copies import CopyCheck, digest, name_of
from hooks.host.host import HookError
from tests.unit.hooks.scripted_host import PlannedHost, fixture

RIGHT, OTHER = b"the whole hooks", b"other hooks"
PINNED = digest(RIGHT)
SPEC = fixture("server-spec.json")
HERE, NONE = AttachedVolumes(2, 2, SPEC, "a1 a2"), AttachedVolumes(0, 2, "")


class Server:
    """A new server: its disk is real, its volumes and the URL are what a test says."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (root / "run").mkdir()
        self.disk = root / places.DISK[1:]
        self.disk.mkdir(parents=True)
        self.host = PlannedHost(str(root), {})
        self.seen: Any = NONE
        self.on_volume: Any = CopyCheck(None, "/mnt/a: no hooks*.pyz in it")
        self.at_url: Any = CopyCheck(None, "the URL: none given")
        self.asked: list[str] = []
        self.loader = Loader(self.host, PINNED)
        monkeypatch.setattr(metadata, "look", lambda: _given(self.seen))
        monkeypatch.setattr(volume, "fetch", lambda *_: self._asked("volume", self.on_volume))
        monkeypatch.setattr(url, "fetch", lambda *_: self._asked("url", self.at_url))

    def _asked(self, what: str, answer: Any) -> Any:
        self.asked.append(what)
        return _given(answer)

    @property
    def said(self) -> str:
        return "\n".join(note for note in self.host.notes if note.startswith("nfs-failover: no "))


def _given(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(tmp_path, monkeypatch)


def running(path: str) -> bytes:
    assert path.endswith("/run/nfs-failover/hooks.pyz")
    return Path(path).read_bytes()


def test_the_image_s_own_come_first_and_nothing_else_is_asked(server: Server) -> None:
    (server.disk / "hooks.pyz").write_bytes(RIGHT)
    server.seen = AssertionError("the metadata service was asked")
    assert running(server.loader.look()) == RIGHT
    assert server.asked == []


def test_then_the_volume_s_and_only_then_the_url_s(server: Server) -> None:
    server.seen, server.on_volume = HERE, CopyCheck(RIGHT, "/mnt/a/.nfs-failover/hooks.pyz")
    assert running(server.loader.look()) == RIGHT
    assert server.asked == ["volume"]


def test_volumes_that_are_not_all_attached_are_not_touched(server: Server) -> None:
    server.seen, server.at_url = AttachedVolumes(1, 2, ""), CopyCheck(RIGHT, "the URL")
    assert running(server.loader.look()) == RIGHT
    assert server.asked == ["url"]


def test_what_it_found_is_kept_for_the_next_boot(server: Server) -> None:
    server.at_url = CopyCheck(RIGHT, "the URL")
    server.loader.look()
    assert (server.disk / name_of(PINNED)).read_bytes() == RIGHT
    server.at_url = AssertionError("asked again")
    assert running(server.loader.look()) == RIGHT


def test_a_disk_that_takes_no_copy_does_not_hinder_a_takeover(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(load.copies, "keep", full)
    server.at_url = CopyCheck(RIGHT, "the URL")
    assert running(server.loader.look()) == RIGHT
    assert "No space left on device" in server.host.notes[-1]


def test_changed_copies_everywhere_are_not_run_and_the_console_says_what_to_do(server: Server) -> None:
    (server.disk / name_of(PINNED)).write_bytes(OTHER)
    server.seen = HERE
    server.on_volume = CopyCheck(
        None, f"/mnt/a/.nfs-failover/hooks.pyz: found SHA-256 {digest(OTHER)[:16]}, not run"
    )
    server.at_url = CopyCheck(
        None, "the URL in metadata key nfs_failover_hooks_url: found HTTP 404, expected 200"
    )
    assert server.loader.look() == ""
    assert server.said.count(f"found SHA-256 {digest(OTHER)[:16]}, not run") == 2
    assert f"no hooks with SHA-256 {PINNED} were found" in server.said
    assert "found HTTP 404" in server.said
    assert "before they are in /opt/nfs-failover: put that hooks.pyz there" in server.said
    (server.disk / "hooks.pyz").write_bytes(RIGHT)
    assert running(server.loader.look()) == RIGHT


def test_a_server_that_stands_by_says_what_it_waits_for_once(server: Server) -> None:
    for _ in range(3):
        assert server.loader.look() == ""
    assert server.said.count("\n") == 0
    assert "0 of 2 volumes are attached" in server.said
    assert "Its volumes are looked through once all are attached" in server.said


@pytest.mark.parametrize("failure", [HookError("bv1: refused"), OSError(5, "Input/output error")])
def test_a_source_that_fails_does_not_keep_the_next_from_being_asked(
    server: Server, failure: Exception
) -> None:
    server.seen, server.on_volume, server.at_url = HERE, failure, CopyCheck(RIGHT, "the URL")
    assert running(server.loader.look()) == RIGHT
    server.seen = Unreachable("metadata service 169.254.169.254: timed out")
    (server.disk / name_of(PINNED)).unlink()
    assert running(server.loader.look()) == RIGHT


def test_a_volume_that_has_none_is_left_alone_for_a_minute(server: Server) -> None:
    server.seen = HERE
    for _ in range(3):
        server.loader.look()
        server.host.sleep(5)
    assert server.asked == ["volume", "url"]
    server.seen = HERE._replace(ids="a3 a4")  # attached anew
    server.loader.look()
    assert server.asked == ["volume", "url", "volume"]
    server.host.sleep(60)
    server.loader.look()
    assert server.asked == ["volume", "url", "volume", "volume", "url"]


def test_after_a_release_volumes_are_not_touched_before_they_were_gone(server: Server) -> None:
    released.remember(server.host)
    server.seen = HERE
    server.loader.look()
    assert "volume" not in server.asked
    assert "released: its volumes are left alone" in server.said
    server.seen = NONE
    for _ in range(GONE_LOOKS):
        server.loader.look()
    server.seen = HERE._replace(ids="a3 a4")
    server.loader.look()
    assert "volume" in server.asked


def test_an_operator_s_takeover_meanwhile_leaves_a_copy(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the lock first; who waited for it looks on its own disk again before it touches anything."""
    looks = iter([CopyCheck(None, "none yet"), CopyCheck(RIGHT, "just written")])
    monkeypatch.setattr(Loader, "_image", lambda _: next(looks))
    server.seen = HERE
    assert running(server.loader.look()) == RIGHT
    assert server.asked == []


# the URL, on a real server on the loopback


@pytest.fixture
def served() -> Iterator[Callable[[int, bytes], str]]:
    class Answerer(http.server.BaseHTTPRequestHandler):
        answer = (200, RIGHT)

        def do_GET(self) -> None:
            self.send_response(self.answer[0])
            self.send_header("Location", "http://127.0.0.1:1/SECRET")
            self.end_headers()
            self.wfile.write(self.answer[1])

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answerer)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def serve(status: int, content: bytes) -> str:
        Answerer.answer = (status, content)
        return f"http://127.0.0.1:{server.server_address[1]}/p/SECRET/hooks.pyz"

    yield serve
    server.shutdown()
    server.server_close()


def test_the_url_s_file_counts_by_its_hash(served: Callable[[int, bytes], str]) -> None:
    assert url.fetch(PINNED, lambda _: served(200, RIGHT)).content == RIGHT
    looked = url.fetch(PINNED, lambda _: served(200, OTHER))
    assert looked == (
        None,
        f"the URL in metadata key nfs_failover_hooks_url: found SHA-256 {digest(OTHER)[:16]}, not run",
    )


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (None, "none given"),
        ("file:///etc/SECRET", "expected https://"),
        ("http://127.0.0.1:1/p/SECRET", "Connection refused"),
        ("http://127.0.0.1:port/SECRET", "InvalidURL"),
        ("http://[SECRET/", "ValueError"),
        ("http://no such host/SECRET", ""),
    ],
)
def test_no_word_about_the_url_quotes_it(address: str | None, says: str) -> None:
    looked = url.fetch(PINNED, lambda _: address)
    assert looked.content is None
    assert says in looked.message
    assert "SECRET" not in looked.message


@pytest.mark.parametrize("status", [404, 403, 500, 302])
def test_an_answer_other_than_200_is_told_without_the_url(
    served: Callable[[int, bytes], str], status: int
) -> None:
    looked = url.fetch(PINNED, lambda _: served(status, RIGHT))
    assert looked.content is None
    assert "SECRET" not in looked.message


def test_a_body_without_an_end_is_cut_off(
    served: Callable[[int, bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(url, "LARGEST", 10)
    assert url.fetch(PINNED, lambda _: served(200, RIGHT * 100_000)).content is None


# the volume, by the commands that it takes


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> None:
    for layer in (volume.iscsi, volume.lvm):
        monkeypatch.setattr(layer, "check", lambda *_: LayerFinding(PRESENT, ""))
    monkeypatch.setitem(volume.sys.modules["__main__"].__dict__, "ARCHIVE", "/opt/nfs-failover/loader.pyz")
    monkeypatch.setattr(volume.sys, "executable", "python3")


DEVICE = "/dev/vg1/lv01"
BLKID = f"blkid -p -o export {DEVICE}"
CHILD = "unshare --mount --propagation private python3 /opt/nfs-failover/loader.pyz read {} {} xfs {}"
AS_IT_IS = CHILD.format(PINNED, DEVICE, "ro,nodev,nosuid,noexec,norecovery")
REPLAYED = CHILD.format(PINNED, DEVICE, "ro,nodev,nosuid,noexec")
FOUND = {"files": {"/run/nfs-failover/hooks.pyz": RIGHT.decode()}}


def volumes_host(root: Path, *commands: dict[str, Any], **more: Any) -> PlannedHost:
    return PlannedHost(str(root), {"commands": [{"run": BLKID, "out": "TYPE=xfs\n"}, *commands], **more})


@pytest.mark.usefixtures("reached")
def test_a_volume_is_first_read_without_a_write(tmp_path: Path) -> None:
    host = volumes_host(tmp_path, {"run": AS_IT_IS, "then": FOUND, "out": ".nfs-failover/hooks.pyz\n"})
    assert volume.fetch(host, SPEC, PINNED) == (RIGHT, "/mnt/a: .nfs-failover/hooks.pyz")
    host.finish()


@pytest.mark.usefixtures("reached")
def test_what_is_in_the_log_alone_is_found_after_a_replay(tmp_path: Path) -> None:
    host = volumes_host(tmp_path, {"run": AS_IT_IS, "out": "none\n"}, {"run": REPLAYED, "then": FOUND})
    assert volume.fetch(host, SPEC, PINNED).content == RIGHT
    host.finish()


@pytest.mark.usefixtures("reached")
@pytest.mark.parametrize("why", ["shareable", "another filesystem"])
def test_no_log_is_replayed_where_another_host_may_write_or_it_is_not_the_site_s(
    tmp_path: Path, why: str
) -> None:
    spec = json.loads(SPEC)
    if why == "shareable":
        spec["volumes"][0]["shareable"] = True
    else:
        spec["filesystems"][0]["uuid"] = "0a0a0a0a-0000-4000-8000-00000000000a"
    host = volumes_host(tmp_path, {"run": AS_IT_IS, "out": "no hooks*.pyz in it\n"})
    assert volume.fetch(host, json.dumps(spec), PINNED) == (None, "/mnt/a: no hooks*.pyz in it")
    host.finish()


@pytest.mark.usefixtures("reached")
def test_a_child_that_fails_is_told_and_what_lies_in_run_is_hashed_again(tmp_path: Path) -> None:
    failed = {"code": 1, "err": "mount: /run: can't read superblock"}
    host = volumes_host(tmp_path, {"run": AS_IT_IS, **failed}, {"run": REPLAYED, **failed})
    host.change({"files": {"/run/nfs-failover/hooks.pyz": OTHER.decode()}})
    looked = volume.fetch(host, SPEC, PINNED)
    assert looked.content is None
    assert "can't read superblock" in looked.message


@pytest.mark.usefixtures("reached")
def test_a_filesystem_that_is_mounted_is_read_where_it_is(tmp_path: Path) -> None:
    line = "36 25 253:0 / /mnt/a rw,noatime shared:1 - xfs /dev/mapper/vg1-lv01 rw\n"
    device = {"/dev/vg1/lv01": "../dm-0", "/dev/mapper/vg1-lv01": "../dm-0"}
    files = {"/proc/self/mountinfo": line, "/dev/dm-0": "", "/mnt/a/.nfs-failover/hooks.pyz": RIGHT.decode()}
    host = volumes_host(tmp_path, links=device, files=files)
    assert volume.fetch(host, SPEC, PINNED).content == RIGHT
    host.finish()


@pytest.mark.usefixtures("reached")
def test_a_filesystem_without_lvm_is_read_by_its_disk(tmp_path: Path) -> None:
    """Whichever of the volumes has its UUID; a clone elsewhere is not read."""
    uuid, spec = "0f3b1b5c-6f1e-4b0e-9c3c-8d0c5a7e1f10", json.loads(SPEC)
    spec |= {"volume_groups": [], "filesystems": [{"volume": "bv1", "mount": "/mnt/a", "uuid": uuid}]}
    names = [f"/dev/disk/by-path/ip-169.254.2.9:3260-iscsi-{item['iqn']}-lun-1" for item in spec["volumes"]]
    links = {name: f"../../sd{'bcd'[number]}" for number, name in enumerate(names)}
    disk = f"/dev/sd{'bcd'[len(names) - 1]}"
    links[f"/dev/disk/by-uuid/{uuid}"] = "../../" + disk.rpartition("/")[2]
    child = CHILD.format(PINNED, disk, "ro,nodev,nosuid,noexec,norecovery")
    probe = {"run": f"blkid -p -o export {disk}", "out": f"TYPE=xfs\nUUID={uuid}\n"}
    host = PlannedHost(
        str(tmp_path),
        {
            "files": dict.fromkeys(("/dev/sdb", "/dev/sdc", "/dev/sdd"), ""),
            "links": links,
            "commands": [probe, {"run": child, "then": FOUND}],
        },
    )
    assert volume.fetch(host, json.dumps(spec), PINNED).content == RIGHT
    host.finish()
