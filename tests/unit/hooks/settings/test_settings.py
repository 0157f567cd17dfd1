"""Settings of the root disk: kept with the data by one server, restored by another, and never a secret."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hooks import walk
from hooks.contract.fields import SpecError
from hooks.contract.parse import parse
from hooks.contract.result import BROKEN, PRESENT, Layer
from hooks.contract.spec import ServerSpec
from hooks.host.host import CommandFailed, CommandOutcome, HookRefused
from hooks.host.lock import exclusive
from hooks.probe import settings as probed
from hooks.settings import capture, copy, settings
from tests.unit.hooks.probe.data_host import ROOT, DataHost
from tests.unit.hooks.scripted_host import fixture

QUOTAS = "88 22 253:0 / /mnt/a rw,relatime - xfs /dev/mapper/vg1-lv01 rw,usrquota,prjquota\n"
SQUASHED = "rw,sync,no_subtree_check"
AS_ROOT = "rw,sync,no_root_squash"
COPY = "/mnt/a/.nfs-failover/settings"
FILES = {
    "/etc/nfs.conf": "[nfsd]\nthreads=64\n",
    "/etc/nfs.conf.d/site.conf": "[nfsd]\nvers3=n\n",
    "/etc/projects": "1:/mnt/a/x\n",
    "/etc/projid": "x:1\n",
}
ABSENT_UNIT = "LoadState=not-found\nUnitFileState=\n"


class SettingsHost(DataHost):
    """`units`: what systemd has of the quota daemon. `ran`: commands that change something."""

    def __init__(self, root: Path, files: dict[str, str], units: str = ABSENT_UNIT, mounts: str = QUOTAS):
        DataHost.__init__(self, str(root), mounts, 88)
        kernel = {"/proc/fs/nfsd/threads": "64\n", "/proc/fs/nfsd/versions": "-2 -3 +4 +4.1 +4.2\n"}
        self.change({"files": {**kernel, **files}})
        self.units = units
        self.ran: list[str] = []

    def _execute(self, argv: Sequence[str], seconds: float) -> CommandOutcome | None:
        line = " ".join(argv)
        if line.startswith("systemctl show"):
            return CommandOutcome(0, self.units if "rpc-rquotad" in line else ABSENT_UNIT, "")
        self.ran.append(line.replace(self.root, ""))
        return CommandOutcome(0, "", "")


def spec(*files: str, options: str = SQUASHED, **changes: Any) -> ServerSpec:
    export = {"path": "/mnt/a", "clients": ["10.0.0.0/16"], "options": options}
    found = {**json.loads(fixture("server-spec.json")), "exports": [export], "settings": {"files": files}}
    made = parse(json.dumps({**found, **changes}))
    assert isinstance(made, ServerSpec)
    return made


@pytest.fixture
def old(tmp_path: Path) -> SettingsHost:
    return SettingsHost(tmp_path / "old", FILES)


def moved(old: SettingsHost, files: dict[str, str], **how: Any) -> SettingsHost:
    """The next server: the data comes along, the root disk does not."""
    root = Path(old.root).parent / f"host-{len(list(Path(old.root).parent.iterdir()))}"
    shutil.copytree(old.path("/mnt/a"), root / "mnt/a")
    return SettingsHost(root, files, **how)


def applied(host: SettingsHost, wanted: ServerSpec) -> Layer:
    (layer,) = walk.apply(host, wanted, ["settings"])
    return layer


def state(host: SettingsHost, wanted: ServerSpec) -> str:
    return settings.check(host, wanted).state


def test_what_one_server_has_the_next_one_gets_with_the_difference(old: SettingsHost) -> None:
    capture.keep(old, spec())
    assert state(old, spec()) == PRESENT
    new = moved(old, {"/etc/nfs.conf": "[nfsd]\nthreads=8\n", "/proc/fs/nfsd/threads": "0\n"})
    assert state(new, spec()) == BROKEN
    layer = applied(new, spec())
    assert (layer.state, layer.changed) == (PRESENT, True)
    assert {path: new.read(path) for path in FILES} == FILES
    assert "-threads=8 | +threads=64" in layer.message
    assert "systemctl try-restart nfs-server" in new.ran
    assert applied(new, spec()).changed is False


def test_the_copy_is_root_s_alone_and_names_what_it_has(old: SettingsHost) -> None:
    capture.keep(old, spec())
    folder = Path(old.path(COPY))
    assert folder.stat().st_mode & 0o777 == 0o700
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sorted(manifest["files"]) == sorted(FILES)
    assert manifest["state"]["threads"] == 64
    assert manifest["state"]["quotas"] == {"/mnt/a": ["prjquota", "usrquota"]}
    assert {one["sha256"] for one in manifest["files"].values()} == {
        p.name for p in folder.iterdir() if p.name != "manifest.json"
    }


def test_a_refresh_without_a_change_writes_nothing_and_with_one_drops_the_old_text(old: SettingsHost) -> None:
    capture.keep(old, spec())
    before = Path(old.path(COPY + "/manifest.json")).read_bytes()
    capture.keep(old, spec())
    assert Path(old.path(COPY + "/manifest.json")).read_bytes() == before
    old.change({"files": {"/etc/projid": "x:1\ny:2\n"}})
    capture.keep(old, spec())
    assert len([*Path(old.path(COPY)).iterdir()]) == len(FILES) + 1


def test_a_host_that_took_the_copy_in_may_change_and_nobody_takes_that_back(old: SettingsHost) -> None:
    """The serving host's own files are the truth; the way home does not bring older ones back."""
    capture.keep(old, spec())
    new = moved(old, {})
    applied(new, spec())
    new.change({"files": {"/etc/nfs.conf": "[nfsd]\nthreads=128\n"}})
    assert applied(new, spec()).changed is False
    assert new.read("/etc/nfs.conf") == "[nfsd]\nthreads=128\n"
    capture.keep(new, spec())
    shutil.rmtree(old.path("/mnt/a"))
    shutil.copytree(new.path("/mnt/a"), old.path("/mnt/a"))
    assert "-threads=64 | +threads=128" in applied(old, spec()).message


def test_a_host_that_never_took_the_copy_in_does_not_replace_it(old: SettingsHost) -> None:
    capture.keep(old, spec())
    new = moved(old, {"/etc/nfs.conf": "[nfsd]\nthreads=8\n"})
    with pytest.raises(HookRefused, match="were not restored here, and are kept; run failover again"):
        capture.keep(new, spec())


@pytest.mark.parametrize(
    "path",
    ["/etc/shadow", "/etc/ssh/sshd_config", "/etc/krb5.keytab", "/etc/pki/host.key", "/root/x", "/etc/../x"],
)
def test_a_spec_names_no_secret(path: str) -> None:
    with pytest.raises(SpecError, match=r"spec.settings.files\[0\]: found .*expected a path in /etc"):
        spec(path)


def chmod(old: SettingsHost, mode: int) -> None:
    Path(old.path("/etc/own.conf")).chmod(mode)


def linked(old: SettingsHost, _: int) -> None:
    old.change({"links": {"/etc/own.conf": "projid"}})


@pytest.mark.parametrize(
    ("text", "make", "mode", "says"),
    [
        ("a=1\n", chmod, 0o640, "found mode 640, as of a secret"),
        ("a=1\n", chmod, 0o666, "mode 666, expected one that only root writes"),
        ("ldap-password = x\n", chmod, 0o644, "it has a key or a password"),
        ("-----BEGIN PRIVATE KEY-----\n", chmod, 0o644, "it has a key or a password"),
        ("a=1\n", linked, 0, "found a symbolic link on the way to it"),
        ("x" * (copy.LARGEST + 1), chmod, 0o644, "expected a plain file of at most"),
    ],
)
def test_a_file_that_may_be_secret_stays_and_is_named(
    old: SettingsHost, text: str, make: Any, mode: int, says: str
) -> None:
    old.change({"files": {"/etc/own.conf": text}})
    make(old, mode)
    (why,) = capture.keep(old, spec("/etc/own.conf")).left
    assert why.startswith("/etc/own.conf: ")
    assert says in why
    assert "/etc/own.conf" not in Path(old.path(COPY + "/manifest.json")).read_text()


PLAIN = {
    "/etc/nfs.conf": "# a\n[general]\npipefs-directory=/run/rpc_pipefs\n[mountd]\nmanage-gids = y\n",
    "/etc/nfs.conf.d/x.conf": "[nfsd]\nvers4.2=y\n[gssd]\nuse-gss-proxy=1\n",
    "/etc/default/nfs-kernel-server": "RPCNFSDCOUNT=\"64 --no-nfs-version 3\"\nNEED_SVCGSSD=''\n",
    "/etc/sysconfig/nfs": "RPCNFSDCOUNT=64\n",
    "/etc/idmapd.conf": "[General]\nDomain = hpc.example\n[Translation]\nMethod = nsswitch\n",
    "/etc/projects": "1:/mnt/a/x y\n",
    "/etc/sysctl.d/90-nfs.conf": "sunrpc.tcp_slot_table_entries = 1\nnet.core.rmem_max=1\nvm/dirty_ratio=1\n",
}
ODD = {
    "/etc/nfs.conf": "[mountd]\nha-callout=/mnt/a/run-me\n",
    "/etc/nfs.conf.d/x.conf": "[nfsd]\nthreads=8\ninclude = ../../mnt/a/more\n",
    "/etc/default/nfs-kernel-server": "RPCNFSDCOUNT=$(touch /x)\n",
    "/etc/sysconfig/nfs": "LD_PRELOAD=x.so\n",
    "/etc/idmapd.conf": "[Translation]\nMethod = ../../../mnt/a/x\n",
    "/etc/projects": "not a project\n",
    "/etc/sysctl.d/90-nfs.conf": "kernel.core_pattern=|/mnt/a/run-me\n",
    "/etc/unknown.conf": "a=1\n",
}


@pytest.mark.parametrize("path", PLAIN)
def test_plain_settings_are_taken_from_a_copy_that_clients_root_can_write(path: str, tmp_path: Path) -> None:
    old, wanted = SettingsHost(tmp_path / "old", {path: PLAIN[path]}), spec(path, options=AS_ROOT)
    assert capture.keep(old, wanted).left == []
    new = moved(old, {})
    assert applied(new, wanted).state == PRESENT
    assert new.read(path) == PLAIN[path]


@pytest.mark.parametrize("path", ODD)
def test_what_could_run_a_program_is_not(path: str, tmp_path: Path) -> None:
    """Where root is squashed nobody but a server wrote the copy: the same text is carried then."""
    old = SettingsHost(tmp_path / "old", {path: ODD[path]})
    (why,) = capture.capture(old, spec(path, options=AS_ROOT)).left
    assert why.startswith(path + ": ")
    capture.keep(old, spec(path))
    new = moved(old, {})
    layer = applied(new, spec(path, options=AS_ROOT))
    assert (layer.state, layer.changed, new.read(path)) == (PRESENT, False, None)
    assert path + ": " in layer.message
    assert f"remove {COPY}" in layer.message
    assert applied(new, spec(path)).state == PRESENT
    assert new.read(path) == ODD[path]


def test_a_copy_that_was_tampered_with_is_not_restored_and_the_service_goes_on(old: SettingsHost) -> None:
    capture.keep(old, spec())
    new = moved(old, {"/etc/nfs.conf": "[nfsd]\nthreads=8\n"})
    for path in Path(new.path(COPY)).iterdir():
        if path.name != "manifest.json":
            path.write_text("[nfsd]\nthreads=1\n")
    layer = applied(new, spec())
    assert layer.state == PRESENT
    assert "/etc/nfs.conf: its copy is not what was written on" in layer.message
    assert new.read("/etc/nfs.conf") == "[nfsd]\nthreads=8\n"
    Path(new.path(COPY), "manifest.json").write_text("{}")
    assert "found no manifest of settings in it" in applied(new, spec()).message
    Path(new.path(COPY)).chmod(0o777)
    assert "expected root's own folder" in applied(new, spec()).message


def test_a_manifest_that_names_another_file_gets_nothing_written(old: SettingsHost) -> None:
    capture.keep(old, spec("/etc/own.conf"))
    old.change({"files": {"/etc/own.conf": "a=1\n"}})
    capture.keep(old, spec("/etc/own.conf"))
    new = moved(old, {})
    assert applied(new, spec()).state == PRESENT
    assert new.read("/etc/own.conf") is None
    assert [note for note in new.notes if "/etc/own.conf: in the copy, and not of this site's" in note]


def test_a_file_that_cannot_be_written_is_named_and_the_walk_goes_on(old: SettingsHost) -> None:
    capture.keep(old, spec())
    new = moved(old, {"/etc/nfs.conf.d": "a file where a folder should be"})
    layer = applied(new, spec())
    assert layer.state == PRESENT
    assert "/etc/nfs.conf.d/site.conf" in layer.message
    assert new.read("/etc/nfs.conf") == FILES["/etc/nfs.conf"]
    assert "/etc/nfs.conf.d/site.conf" in settings.check(new, spec()).message
    with pytest.raises(HookRefused):
        capture.keep(new, spec())


def test_sysctl_is_loaded_and_the_quota_daemon_enabled(tmp_path: Path) -> None:
    path, enabled = "/etc/sysctl.d/90-nfs.conf", "LoadState=loaded\nUnitFileState=enabled\n"
    old = SettingsHost(tmp_path / "old", {path: "vm.dirty_ratio=10\n"}, enabled)
    capture.keep(old, spec(path))
    new = moved(old, {}, units=enabled.replace("enabled", "disabled"))
    applied(new, spec(path))
    assert new.ran == [f"systemctl enable --now {settings.UNITS[0]}", f"sysctl -q -p {path}"]
    assert "is not installed here: clients see no quotas" in applied(moved(old, {}), spec(path)).message


def test_sysctl_s_files_are_loaded_in_the_order_of_a_boot(tmp_path: Path) -> None:
    paths = ["/etc/sysctl.conf", "/etc/sysctl.d/10-nfs.conf", "/etc/sysctl.d/nfs.conf"]
    old = SettingsHost(tmp_path / "old", dict.fromkeys(paths, "vm.dirty_ratio=10\n"))
    capture.keep(old, spec(*paths))
    new = moved(old, {})
    applied(new, spec(*paths))
    loaded = [line for line in new.ran if line.startswith("sysctl")]
    assert loaded == [f"sysctl -q -p {paths[place]}" for place in (1, 0, 2)]


@pytest.mark.parametrize("name", ["site.conf", "/etc/site.conf", "-site.conf # ours", '"./site.conf"'])
def test_what_nfs_conf_includes_and_is_not_carried_is_named(name: str, tmp_path: Path) -> None:
    path, included = "/etc/nfs.conf", "/etc/site.conf"
    files = {path: f"[nfsd]\nInclude = {name}\n", included: "threads=64\n"}
    assert capture.capture(SettingsHost(tmp_path / "1", files), spec(path)).left == [
        "/etc/nfs.conf: it includes /etc/site.conf, which is not carried, expected all of it; name that in "
        "settings_files"
    ]
    assert capture.capture(SettingsHost(tmp_path / "2", files), spec(path, included)).left == []
    del files[included]
    assert capture.capture(SettingsHost(tmp_path / "3", files), spec(path)).left == []


def test_a_copy_goes_where_no_client_s_root_can_write(tmp_path: Path) -> None:
    both = [
        {"volume_group": "vg1", "logical_volume": name, "mount": f"/mnt/{name}"} for name in ("lv01", "lv02")
    ]
    exported = [{"path": "/mnt/lv01", "clients": ["*"], "options": AS_ROOT}]
    wanted = spec(filesystems=both, exports=exported)
    assert [item.mount for item in copy.homes(wanted)] == ["/mnt/lv02", "/mnt/lv01"]


def test_without_the_data_the_layer_is_absent_and_a_release_leaves_it_out(old: SettingsHost) -> None:
    capture.keep(old, spec())
    bare = SettingsHost(Path(old.root).parent / "bare", {}, mounts="")
    assert state(bare, spec()) == "absent"
    assert walk.release(bare, spec(), ["settings"]) == []


@pytest.mark.parametrize(
    ("kernel", "mounts", "says"),
    [
        ({"/proc/fs/nfsd/threads": "8\n"}, QUOTAS, "nfsd's threads: found 8, expected 64 as on"),
        ({"/proc/fs/nfsd/versions": "+3 +4\n"}, QUOTAS, "nfsd's versions: found +3 +4, expected -2 -3"),
        (
            {},
            QUOTAS.replace(",usrquota,prjquota", ""),
            "quotas of /mnt/a: found none, expected prjquota,usrquota",
        ),
        ({}, QUOTAS, ""),
    ],
)
def test_verification_compares_what_the_kernel_has(
    old: SettingsHost, kernel: dict[str, str], mounts: str, says: str
) -> None:
    capture.keep(old, spec())
    new = moved(old, kernel, mounts=mounts)
    assert probed.compared(new, spec()).state == BROKEN, "nothing is restored yet"
    applied(new, spec())
    layer = probed.compared(new, spec())
    assert layer.state == (BROKEN if says else PRESENT), layer.message
    assert says in layer.message


def test_a_change_on_the_serving_host_is_no_fault(old: SettingsHost) -> None:
    assert probed.compared(old, spec()).message == "no copy lies with the data yet: preflight makes it"
    assert probed.refreshed(old, spec()).message == "kept with the data: " + ", ".join(sorted(FILES))
    old.change({"files": {"/etc/nfs.conf": "[nfsd]\nthreads=8\n", "/proc/fs/nfsd/threads": "8\n"}})
    layer = probed.compared(old, spec())
    assert (layer.state, "/etc/nfs.conf changed on this host since" in layer.message) == (PRESENT, True)


def test_the_lock_s_file_is_not_the_child_s_to_write(old: SettingsHost) -> None:
    """A run that has the lock notes each command in the lock's file, and the copy is made by a child."""
    old.change({"directories": ["/run"]})
    with exclusive(old, "refresh"):
        layer = probed.refreshed(old, spec())
    assert layer.state == PRESENT, layer.message
    assert json.loads(old.read("/run/nfs-failover.lock") or "")[3] == "looks around"


def test_the_data_s_folder_must_lie_on_the_data(old: SettingsHost) -> None:
    old.lies_on = 22
    with pytest.raises(HookRefused, match="does not lie on what should be mounted on /mnt/a"):
        capture.keep(old, spec())
    assert ROOT.startswith("22 ")


def test_a_manifest_s_own_owner_counts(old: SettingsHost, monkeypatch: pytest.MonkeyPatch) -> None:
    capture.keep(old, spec())
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises((HookRefused, CommandFailed), match="expected root's own"):
        copy.load(old, spec())
