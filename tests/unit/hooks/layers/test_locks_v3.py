"""NFSv3's locks: rpc.statd's record lies with the data; clients are told once nfsd and address are there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hooks.contract.result import ABSENT, BROKEN, PRESENT
from hooks.layers.locks import locks, statd
from hooks.survey import survey
from tests.unit.hooks.layers.test_locks import (
    ADDRESS,
    AT_WORK,
    BLKID,
    KEEPER_STOPS,
    KEPT,
    MOUNTED,
    RECORD,
    RELOAD,
    RUNS,
    STATD_FOLDER,
    done,
    host,
    on_mount,
    show,
    spec,
    units,
)
from tests.unit.hooks.scripted_host import PlannedHost

__all__ = ["on_mount"]  # the fixture holds for this module too


def at_work(root: Path, *commands: Any, files: dict[str, str] | None = None) -> PlannedHost:
    """A host whose both daemons, processes 55 and 66, have their records on the data."""
    made = host(root, *commands, files={**units(v3=True), **RUNS, **(files or {})}, keeps=RECORD)
    made.change({"directories": [STATD_FOLDER, "/var/lib/nfs/sm"], "links": AT_WORK})
    return made


def test_in_place_it_needs_nothing(tmp_path: Path) -> None:
    made = at_work(tmp_path, show(55, 66, "active"), BLKID)
    layer = done(made, "apply", spec(**ADDRESS))
    assert (layer.state, layer.changed) == (PRESENT, False), layer
    assert f"rpc.statd's of NFSv3 is in {STATD_FOLDER}" in layer.message


def test_whose_clients_were_not_told_is_broken(tmp_path: Path) -> None:
    layer = done(at_work(tmp_path, show(55, 66, "failed"), BLKID), "check", spec(**ADDRESS))
    assert layer.state == BROKEN
    assert "rpc-statd-notify is failed: NFSv3's clients do not know that nfsd has started" in layer.message


def test_a_statd_that_works_elsewhere_is_named(tmp_path: Path) -> None:
    made = at_work(tmp_path, show(55, 66, "active"), BLKID)
    made.change({"links": {"/proc/66/cwd": "../../var/lib/nfs"}})
    layer = done(made, "check", spec(**ADDRESS))
    assert layer.message == f"rpc.statd does not keep its record in {STATD_FOLDER}"


@pytest.mark.parametrize(
    ("wanted", "rpcbind", "own", "why"),
    [
        ({}, "loaded", "sm", "no service address"),
        (ADDRESS, "masked", "sm", "rpcbind.socket is masked"),
        (ADDRESS, "loaded", "rpc_pipefs", "/var/lib/nfs: no sm of rpc.statd in it"),
    ],
)
def test_without_what_it_takes_the_message_says_so(
    tmp_path: Path, wanted: dict[str, Any], rpcbind: str, own: str, why: str
) -> None:
    made = host(tmp_path, show(55, rpcbind=rpcbind), BLKID, files={**units(), **RUNS}, keeps=RECORD)
    made.change({"directories": ["/var/lib/nfs/" + own]})
    layer = done(made, "check", spec(**wanted))
    assert layer.state == PRESENT
    assert f"NFSv3's clients lose their locks ({why}" in layer.message


@pytest.mark.parametrize("told", ["inactive", "active"])
def test_a_takeover_has_the_lists_for_statd_s_own_user_and_starts_it_before_nfsd(
    tmp_path: Path, told: str
) -> None:
    both = {**KEPT, "links": {**KEPT["links"], **AT_WORK}}
    commands = [
        show(told=told),
        BLKID,
        RELOAD,
        *[{"run": "systemctl stop rpc-statd-notify"}] * (told == "active"),
        {"run": "systemctl restart nfsdcld rpc-statd", "then": both},
        show(55, 66, "activating"),
        BLKID,
    ]
    made = host(tmp_path, *commands)
    made.change({"directories": ["/var/lib/nfs/sm"]})
    os.chmod(tmp_path / "mnt/a", 0o700)  # noqa: PTH101 - a root that lets no daemon through
    layer = done(made, "apply", spec(**ADDRESS))
    assert (layer.state, layer.changed) == (PRESENT, True), layer
    for name in ("sm", "sm.bak"):
        status = (tmp_path / STATD_FOLDER.lstrip("/") / name).stat()
        home = (tmp_path / "var/lib/nfs/sm").stat()
        assert (status.st_uid, status.st_gid) == (home.st_uid, home.st_gid)
        assert status.st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_lists_change_hands_where_the_user_has_another_number(tmp_path: Path) -> None:
    made = host(tmp_path)
    made.change({"directories": ["/var/lib/nfs/statd/sm", "/var/lib/nfs/sm", f"{STATD_FOLDER}/sm"]})
    record = tmp_path / STATD_FOLDER.lstrip("/") / "sm/gpu-1"
    record.write_text("0100007f 000186b5 00000003 00000010 00 10.0.0.21 nfs-srv-1\n")
    elsewhere = tmp_path / "shadow"
    elsewhere.write_text("root's own\n")
    record.with_name("link").symlink_to(elsewhere)
    os.chown(tmp_path / "var/lib/nfs/statd/sm", 29, 29)
    statd.make(made, "/mnt/a")
    assert (record.stat().st_uid, record.stat().st_gid) == (29, 29)
    assert (record.parent.stat().st_uid, record.parents[1].stat().st_uid) == (29, 0)
    assert elsewhere.stat().st_uid == 0, "a link that statd's user laid leads nowhere"


def test_a_release_leaves_the_host_s_own_record_to_statd(tmp_path: Path) -> None:
    stops = [
        KEEPER_STOPS,
        {"run": "systemctl stop nfsdcld", "then": {"gone": ["/proc/55/fd/4"]}},
        {"run": "systemctl stop rpc-statd-notify"},
        {"run": "systemctl try-restart rpc-statd", "then": {"gone": ["/proc/66/cwd"]}},
    ]
    files = {"/proc/fs/nfsd/threads": "0\n"}
    made = at_work(tmp_path, show(55, 66, "active"), RELOAD, *stops, show(0, 66), files=files)
    layer = done(made, "release", spec(**ADDRESS))
    assert (layer.state, layer.changed) == (ABSENT, True), layer
    assert not [path for path in locks.UNITS if made.read(path)]


def test_a_site_without_an_address_any_more_gives_up_its_units(tmp_path: Path) -> None:
    commands = [
        show(55, 66),
        BLKID,
        RELOAD,
        {"run": "systemctl restart nfsdcld"},
        {"run": "systemctl stop rpc-statd-notify"},
        {"run": "systemctl try-restart rpc-statd", "then": {"gone": ["/proc/66/cwd"]}},
        show(55, 66),
        BLKID,
    ]
    made = at_work(tmp_path, *commands, files={"/proc/fs/nfsd/threads": "0\n"})
    layer = done(made, "apply", spec())
    assert layer.state == PRESENT, layer
    assert made.read(statd.STATD_UNIT) is None
    assert "sm.bak" not in (made.read(locks.NFSD_UNIT) or "")


def told(tmp_path: Path, grace: str, threads: str = "8") -> list[str]:
    """What the unit's own script runs, with programs and kernel files of this test in their places."""
    (tmp_path / "threads").write_text(threads + "\n")
    (tmp_path / "grace").write_text(grace + "\n")
    log = tmp_path / "log"
    for name, text in (
        ("ip", f'echo "$@" >> {log}\necho "2: ens3 inet 10.0.0.100/24"\n'),
        ("sm-notify", f'echo sm-notify "$@" >> {log}\n'),
        ("sleep", f"echo 8 > {tmp_path}/threads\n"),
    ):
        (tmp_path / name).write_text("#!/bin/sh\n" + text)
        (tmp_path / name).chmod(0o755)
    script = units(v3=True)[statd.NOTIFY_UNIT].partition('-c "')[2].rpartition('"')[0]
    assert '"' not in script, "the quotes end at the first one"
    for written, meant in (("\\\n", " "), ("$$", "$")):  # systemd.service(5), command lines
        script = script.replace(written, meant)
    for there, here in (
        ("/proc/fs/nfsd/threads", "threads"),
        ("/proc/fs/lockd/nlm_end_grace", "grace"),
        ("/usr/sbin/sm-notify", "sm-notify"),
    ):
        script = script.replace(there, f"{tmp_path}/{here}")
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["/bin/sh", "-c", script], env=path, check=True, timeout=20, capture_output=True)
    return log.read_text().splitlines()


@pytest.mark.usefixtures("real_commands")
def test_clients_are_told_from_the_service_s_address_once_nfsd_runs(tmp_path: Path) -> None:
    notify = "sm-notify -f -P /var/lib/nfs -v 10.0.0.100"
    assert told(tmp_path, "N", threads="0") == ["-o address show to 10.0.0.100", notify]


@pytest.mark.usefixtures("real_commands")
def test_nobody_is_told_without_a_grace(tmp_path: Path) -> None:
    assert told(tmp_path, "Y") == ["-o address show to 10.0.0.100"]


def remarks(tmp_path: Path, units: dict[str, str], files: dict[str, str]) -> tuple[list[str], list[str]]:
    commands = [
        {"run": f"systemctl show -p LoadState {name}", "out": f"LoadState={state}\n"}
        for name, state in {"nfsdcld": "loaded", **units}.items()
    ]
    made = host(tmp_path, *commands, files=files)
    (layer,) = survey.survey(made, spec(**ADDRESS), ["locks"])
    made.finish()
    facts: Any = layer.facts
    return facts["refusals"], facts["warnings"]


def test_a_target_without_statd_is_refused_where_nfsv3_is_served(tmp_path: Path) -> None:
    refusals, _ = remarks(tmp_path, {"rpc-statd": "masked", "rpcbind.socket": "loaded"}, {})
    assert any("rpc-statd: the unit is masked" in text and "vers3=n" in text for text in refusals)
    assert any("sm-notify: command not found" in text for text in refusals)


def test_where_nfsv4_alone_is_served_statd_may_be_masked(tmp_path: Path) -> None:
    refusals, _ = remarks(tmp_path, {}, {"/etc/nfs.conf": "[nfsd]\nvers3 = n\n"})
    assert not any("statd" in text or "sm-notify" in text for text in refusals)


@pytest.mark.parametrize(
    ("options", "warns"),
    [("vers=3,local_lock=none", True), ("vers=3,local_lock=all", False), ("vers=4.2,local_lock=none", False)],
)
def test_a_host_with_locks_of_its_own_is_warned_of(tmp_path: Path, options: str, warns: bool) -> None:
    kind = "nfs4" if "vers=4" in options else "nfs"
    table = f"{MOUNTED}99 22 0:50 / /mnt/home rw - {kind} fss:/home rw,{options}\n"
    units = {"rpc-statd": "loaded", "rpcbind.socket": "loaded"}
    _, warnings = remarks(tmp_path, units, {"/proc/self/mountinfo": table})
    assert any("/mnt/home: this host mounts it by NFSv3 with locks" in text for text in warnings) == warns
