"""Locks outlive a takeover: nfsd's record of its clients lies with the data, under one name everywhere."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hooks import walk
from hooks.contract.fields import SpecError
from hooks.contract.parse import parse
from hooks.contract.result import ABSENT, BROKEN, PRESENT, Layer
from hooks.contract.spec import ServerSpec
from hooks.host import mounted_folder
from hooks.host.text_file import SELINUX
from hooks.layers.locks import locks, reclaimed, record
from hooks.probe import ready
from hooks.survey import survey
from tests.unit.hooks.scripted_host import PlannedHost, fixture, units_below_nfsd

MOUNTED = "22 1 254:0 / / rw - ext4 /dev/root rw\n88 22 253:0 / /mnt/a rw - xfs /dev/mapper/vg1-lv01 rw\n"
UUID = "5f0c6a4e-0b1d-4c53-9a55-3a9d5d0f1c21"
BLKID = {"run": "blkid -p -o export /dev/vg1/lv01", "out": f"TYPE=xfs\nUUID={UUID}\n"}


def show(
    tracker: int = 0,
    daemon: int = 0,
    told: str = "inactive",
    rpcbind: str = "loaded",
    nfsd: str = "disabled",
    unread: str = "no",
) -> Any:
    """What systemd says of nfsdcld, of the unit that tells clients, of rpc.statd, of rpcbind and of nfsd.

    `nfsd`: whether its unit is enabled. `unread`: whether its files were written since systemd read them.
    """
    names = "nfsdcld rpc-statd-notify rpc-statd rpcbind.socket nfs-server"
    rows = [(tracker, "active", "loaded"), (0, told, "loaded"), (daemon, "active", "loaded")]
    blocks = [
        f"MainPID={pid}\nLoadState={load}\nActiveState={state}\n"
        for pid, state, load in [*rows, (0, "active", rpcbind), (0, "inactive", "loaded")]
    ]
    blocks[-1] += f"UnitFileState={nfsd}\nNeedDaemonReload={unread}\n"
    properties = "LoadState,ActiveState,MainPID,NeedDaemonReload,UnitFileState"
    return {"run": f"systemctl show -p {properties} {names}", "out": "\n".join(blocks)}


NO_TRACKER, TRACKER = show(), show(55)
RELOAD = {"run": "systemctl daemon-reload"}
BELOW = units_below_nfsd("active", "active", "active")
KEEPER_STOPS = {"run": "systemctl stop nfs-failover-reclaimed.service", "exit": 5}
RECORD = "/mnt/a/.nfs-failover/nfsdcld"
TIMES = {"/proc/fs/nfsd/nfsv4leasetime": "30\n", "/proc/fs/nfsd/nfsv4gracetime": "45\n"}
RUNS = {"/proc/fs/nfsd/threads": "8\n", **TIMES}
ADDRESS = {"service_address": {"address": "10.0.0.100", "prefix": 24, "device": None}}
STATD_FOLDER = "/mnt/a/.nfs-failover/statd"
# nfsdcld, process 55, has its database open on the data
KEPT = {"files": {f"{RECORD}/main.sqlite": ""}, "links": {"/proc/55/fd/4": f"../../..{RECORD}/main.sqlite"}}
AT_WORK = {"/proc/66/cwd": f"../..{STATD_FOLDER}"}  # rpc.statd, process 66, on the data


@pytest.fixture(autouse=True)
def on_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's folders lie on no filesystem of their own."""

    def opened(host: PlannedHost, path: str, mount: str) -> int:
        return os.open(host.path(path), os.O_DIRECTORY)

    monkeypatch.setattr(mounted_folder, "open_on_mount", opened)


def spec(**changes: Any) -> ServerSpec:
    wanted = {"locks": {"lease_seconds": 30, "grace_seconds": 45}, **changes}
    found = parse(json.dumps({**json.loads(fixture("server-spec.json")), **wanted}))
    assert isinstance(found, ServerSpec)
    return found


def host(root: Path, *commands: Any, files: dict[str, str] | None = None, keeps: str = "") -> PlannedHost:
    """`keeps`: where nfsdcld, process 55, has its database open."""
    links = {"/proc/55/fd/4": f"../../..{keeps}/main.sqlite"} if keeps else {}
    databases = {f"{folder}/main.sqlite": "" for folder in (keeps, RECORD) if keeps}
    found = {"/proc/self/mountinfo": MOUNTED, **databases, **(files or {})}
    case = {"files": found, "links": links, "directories": ["/mnt/a"], "commands": list(commands)}
    return PlannedHost(str(root), case)


def units(v3: bool = False) -> dict[str, str]:
    pairs = locks.units(spec(**ADDRESS), UUID, "/var/lib/nfs") if v3 else locks.units(spec(), UUID, "")
    return {path: text for path, text in pairs if text}


def done(made: PlannedHost, action: str, wanted: ServerSpec) -> Layer:
    (layer,) = getattr(walk, action)(made, wanted, ["locks"])
    made.finish()
    assert isinstance(layer, Layer)
    return layer


def test_nfsd_has_the_filesystem_s_name_and_the_record_is_on_the_data() -> None:
    nfsd, tracker = units()[locks.NFSD_UNIT], units()[locks.TRACKER_UNIT]
    name = f"echo nfs-{UUID} > /proc/sys/kernel/hostname"
    start = f"echo 45 > /proc/sys/fs/nfs/nlm_grace_period; {name} && exec /usr/sbin/rpc.nfsd -L 30 -G 45"
    assert f'ExecStart=\nExecStart=/usr/bin/unshare --uts /bin/sh -c "{start}"\n' in nfsd
    place = "/var/lib/nfs/nfsdcld"
    bound = f"RequiresMountsFor=/mnt/a\n[Service]\nBindPaths={RECORD}:{place}\n"
    assert f"{bound}ExecStart=\nExecStart=/usr/sbin/nfsdcld -s {place}\n" in tracker


def test_in_place_it_needs_nothing(tmp_path: Path) -> None:
    made = host(tmp_path, TRACKER, BLKID, files={**units(), **RUNS}, keeps=RECORD)
    found = done(made, "apply", spec())
    assert (found.state, found.changed) == (PRESENT, False)


@pytest.mark.parametrize(
    ("files", "keeps", "says"),
    [
        ({"/proc/sys/fs/nfs/nlm_grace_period": "0\n"}, RECORD, "lockd's grace is 0 s, expected 45"),
        ({}, "/var/lib/nfs/nfsdcld", f"nfsdcld does not keep its record in {RECORD}"),
        ({"/proc/fs/nfsd/nfsv4leasetime": "90\n"}, RECORD, "lease of 90 s and a grace of 45 s, expected 30"),
        ({locks.NFSD_UNIT: "[Service]\n"}, RECORD, f"{locks.NFSD_UNIT} is not as specified"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, files: dict[str, str], keeps: str, says: str) -> None:
    made = host(tmp_path, TRACKER, BLKID, files={**units(), **RUNS, **files}, keeps=keeps)
    found = done(made, "check", spec())
    assert found.state == BROKEN
    assert says in found.message


def test_without_its_units_locks_are_lost(tmp_path: Path) -> None:
    assert done(host(tmp_path, NO_TRACKER, files=RUNS), "check", spec()).state == ABSENT


def test_units_that_are_there_beforehand_are_nothing_of_the_service(tmp_path: Path) -> None:
    alone = {"/proc/self/mountinfo": MOUNTED.splitlines(True)[0]}
    layer = done(host(tmp_path, NO_TRACKER, files={**units(), **alone}), "check", spec())
    assert (layer.state, layer.message) == (ABSENT, "the units are there, and no daemon of them runs")
    by_hand = host(tmp_path / "runs", NO_TRACKER, files={**units(), **alone, **RUNS})
    assert done(by_hand, "check", spec()).state == BROKEN


@pytest.mark.parametrize("unread", ["no", "yes"])
def test_a_takeover_reads_no_units_again_that_systemd_has_read(tmp_path: Path, unread: str) -> None:
    restart = {"run": "systemctl restart nfsdcld", "then": KEPT}
    here = show(unread=unread)
    applied = [*([RELOAD] if unread == "yes" else []), restart, TRACKER, BLKID]
    layer = done(host(tmp_path, here, BLKID, *applied, files=units()), "apply", spec())
    assert layer.state == PRESENT, layer


KERNEL = {"/proc/filesystems": "nodev\tnfsd\n\txfs\n"}
LOADED = {"run": "modprobe -a -q nfsd xfs", "then": {"files": KERNEL}}


def text_with(uuid: str | None) -> str:
    found = json.loads(fixture("server-spec.json"))
    found["filesystems"][0]["uuid"] = uuid
    return json.dumps({**found, "locks": {"lease_seconds": 30, "grace_seconds": 45}})


def test_a_server_that_stands_by_gets_the_units_once(tmp_path: Path) -> None:
    made = host(tmp_path, LOADED, BELOW, NO_TRACKER, RELOAD, BELOW, NO_TRACKER)
    first = ready.ready(made, text_with(UUID))
    again = ready.ready(made, text_with(UUID))
    made.finish()
    assert [(x.layer, x.state, x.changed) for x in first] == [
        ("modules", PRESENT, True),
        ("units", PRESENT, False),
        ("locks", PRESENT, True),
    ]
    assert [(x.state, x.changed) for x in again] == [(PRESENT, False)] * 3
    assert {path: made.read(path) or "" for path in locks.UNITS} == dict(locks.units(spec(), UUID, ""))


@pytest.mark.parametrize(
    ("nfsd", "files", "keeps", "uuid", "says"),
    [
        ("enabled", {}, "", UUID, "or would at a boot"),
        ("disabled", RUNS, "", UUID, "nfsd runs on this host"),
        ("disabled", {}, RECORD, UUID, "nfsd runs on this host"),
        ("disabled", {}, "", None, "the UUID of /mnt/a is not known yet"),
    ],
)
def test_nothing_is_written_beforehand_where_it_would_act(
    tmp_path: Path, nfsd: str, files: dict[str, str], keeps: str, uuid: str | None, says: str
) -> None:
    made = host(tmp_path, BELOW, show(55 if keeps else 0, nfsd=nfsd), files={**files, **KERNEL}, keeps=keeps)
    *_, layer = ready.ready(made, text_with(uuid))
    made.finish()
    assert layer.state == BROKEN
    assert says in layer.message
    assert not any(made.read(path) for path in locks.UNITS)


def test_a_running_nfsd_is_stopped_before_its_record_moves(tmp_path: Path) -> None:
    stop = {"run": "systemctl stop nfs-server", "then": {"files": {"/proc/fs/nfsd/threads": "0\n"}}}
    restart = {"run": "systemctl restart nfsdcld", "then": KEPT}
    applied = [RELOAD, stop, restart, TRACKER, BLKID]
    made = host(tmp_path, NO_TRACKER, BLKID, *applied, files=RUNS)
    found = done(made, "apply", spec())
    assert (found.state, found.changed) == (PRESENT, True)
    folder = tmp_path / RECORD.lstrip("/")
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o777 == 0o700
    place = tmp_path / "var/lib/nfs/nfsdcld"
    assert place.stat().st_mode & 0o777 == 0o700, "systemd would make it, with a type of its own"


def test_no_record_is_kept_below_a_mount_point_that_is_empty(tmp_path: Path) -> None:
    root = {"/proc/self/mountinfo": MOUNTED.splitlines(True)[0]}
    made = host(tmp_path, NO_TRACKER, files={**root, **units()})
    found = done(made, "apply", spec())
    assert found.state == BROKEN
    assert "/mnt/a is not mounted: refusing" in found.message
    assert not os.listdir(tmp_path / "mnt/a")  # noqa: PTH208


def test_a_release_takes_the_record_s_keeper_from_the_data(tmp_path: Path) -> None:
    stop = {"run": "systemctl stop nfsdcld", "then": {"gone": ["/proc/55/fd/4"]}}
    made = host(tmp_path, TRACKER, RELOAD, KEEPER_STOPS, stop, NO_TRACKER, files=units(), keeps=RECORD)
    found = done(made, "release", spec())
    assert (found.state, found.changed) == (ABSENT, True)
    again = done(host(tmp_path / "again", NO_TRACKER, NO_TRACKER), "release", spec())
    assert (again.state, again.changed) == (ABSENT, False)


def test_an_nfsd_that_goes_on_for_others_keeps_a_record(tmp_path: Path) -> None:
    restart = {"run": "systemctl restart nfsdcld"}
    made = host(
        tmp_path, TRACKER, RELOAD, KEEPER_STOPS, restart, NO_TRACKER, files={**units(), **RUNS}, keeps=RECORD
    )
    assert done(made, "release", spec()).state == ABSENT


def test_a_site_that_no_longer_asks_loses_the_units(tmp_path: Path) -> None:
    made = host(tmp_path, RELOAD, KEEPER_STOPS, {"run": "systemctl stop nfsdcld"}, files=units())
    assert locks.remove(made) == [
        f"{locks.NFSD_UNIT} removed",
        f"{locks.TRACKER_UNIT} removed",
        f"{reclaimed.UNIT} removed",
        f"{reclaimed.PROGRAM} removed",
        "nfsdcld has left the data",
    ]
    made.finish()
    assert locks.remove(host(tmp_path / "none")) == []


def test_a_host_without_nfsdcld_is_refused_beforehand(tmp_path: Path) -> None:
    unit = {"run": "systemctl show -p LoadState nfsdcld", "out": "LoadState=masked\n"}
    (found,) = survey.survey(host(tmp_path, unit), spec(), ["locks"])
    refusals = found.facts["refusals"]
    assert any("nfsdcld: command not found" in text for text in refusals)
    assert any("nfsdcld: the unit is masked" in text for text in refusals)


def test_a_grace_shorter_than_the_lease_is_refused() -> None:
    with pytest.raises(SpecError, match=r"grace_seconds.*at least lease_seconds \(30\)"):
        spec(locks={"lease_seconds": 30, "grace_seconds": 20})


def relabelled(root: Path, kind: str, monkeypatch: pytest.MonkeyPatch, *commands: Any) -> PlannedHost:
    """A host in place whose policy is loaded, with this label on nfsdcld's folder."""

    def label(path: str, name: str) -> bytes:
        assert (path, name) == (str(root / RECORD.lstrip("/")), "security.selinux")
        return f"unconfined_u:object_r:{kind}:s0\0".encode()

    monkeypatch.setattr(record.os, "getxattr", label)
    mounted = MOUNTED.replace("vg1-lv01 rw", "vg1-lv01 rw,seclabel,attr2")
    files = {**units(), **RUNS, SELINUX: "1", "/proc/self/mountinfo": mounted}
    return host(root, *commands, files=files, keeps=RECORD)


def test_a_record_that_was_labelled_anew_is_named_and_mended_while_nfsd_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = done(relabelled(tmp_path / "a", "default_t", monkeypatch, TRACKER, BLKID), "check", spec())
    wrong = f"{RECORD} has SELinux's type default_t, expected var_lib_nfs_t: its daemon may not write there"
    assert (found.state, found.message) == (BROKEN, wrong)
    label = {"run": f"chcon -R -t var_lib_nfs_t {RECORD}"}
    commands = [TRACKER, BLKID, label, TRACKER, BLKID]
    made = relabelled(tmp_path / "b", "default_t", monkeypatch, *commands)
    assert done(made, "apply", spec()).state == BROKEN, "the label of this test stays, and the check sees it"
    assert made.read("/proc/fs/nfsd/threads") == "8\n"


def test_a_record_with_its_label_or_on_a_filesystem_without_labels_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = relabelled(tmp_path / "a", "var_lib_nfs_t", monkeypatch, TRACKER, BLKID)
    assert done(made, "check", spec()).state == PRESENT
    made = relabelled(tmp_path / "b", "nfs_t", monkeypatch, TRACKER, BLKID)
    made.change({"files": {"/proc/self/mountinfo": MOUNTED}})
    assert done(made, "check", spec()).state == PRESENT, "nobody can change a label there"


@pytest.mark.parametrize(
    ("options", "enforce", "refused"),
    [
        ("_netdev,context=system_u:object_r:public_content_rw_t:s0,nofail", "1", True),
        ('context="system_u:object_r:nfs_t:s0:c1,c2"', "1", True),
        ("context=system_u:object_r:nfs_t:s0", "0", False),
        ("context=system_u:object_r:var_lib_nfs_t:s0", "1", False),
        ("defcontext=system_u:object_r:nfs_t:s0", "1", False),
    ],
)
def test_a_filesystem_of_one_context_is_refused_where_nfsdcld_may_not_write(
    tmp_path: Path, options: str, enforce: str, refused: bool
) -> None:
    wanted = spec()
    wanted = wanted._replace(filesystems=(wanted.filesystems[0]._replace(options=options),))
    unit = {"run": "systemctl show -p LoadState nfsdcld", "out": "LoadState=loaded\n"}
    (found,) = survey.survey(host(tmp_path, unit, files={SELINUX: enforce}), wanted, ["locks"])
    assert any("option context=" in text for text in found.facts["refusals"]) == refused
