"""Which of Slurm's drained nodes are resumed: drained for the sake of a mount, and brought over since."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from failover.clients.slurm import Cure, Slurm, cures, drained, resumption
from failover.model.outcome import Usage
from failover.model.site import Client, ClientMount
from failover.runs.events import Event
from failover.runs.journal import Journal

pytestmark = pytest.mark.own_rule

CLIENTS = [Client("gpu-001", "10.0.1.1", (ClientMount("/mnt/a", "/mnt/nfs/a"),))]
AT = datetime(2026, 11, 27, 7, 0, 0).astimezone()
LATER = {"gpu-001": Cure(AT + timedelta(minutes=5), rebooted=False)}
REBOOT = "Node unexpectedly rebooted"
MOUNT = "NHC: check_fs_mount:  /mnt/nfs/a not mounted"


def row(
    name: str = "gpu-001", state: str = "drained", since: str = "2026-11-27T07:00:00", why: str = MOUNT
) -> str:
    return f"{name}|10.0.1.1|{state}|{since}|{why}\n"


def test_what_sinfo_prints() -> None:
    text = (
        row()
        + row()
        + row("gpu-002", "idle", "Unknown", "none")
        + row("gpu-003", "draining*", "Unknown", "a|b")
    )
    text += row("gpu-004", "down*") + "\n" + "gpu-005\n"
    nodes = drained(text)
    assert [(one.name, one.state, one.reason) for one in nodes] == [
        ("gpu-001", "drained", MOUNT),
        ("gpu-003", "draining*", "a|b"),
        ("gpu-004", "down*", MOUNT),
    ]
    assert [one.since for one in nodes] == [AT, None, AT]


@pytest.mark.parametrize(
    ("line", "cured", "why"),
    [
        (row(), LATER, ""),
        (row(state="draining@"), LATER, ""),
        (row(why="Stale file handle"), LATER, ""),
        (row(why="hung: /mnt/nfs/a/x"), LATER, ""),
        (row(name="10.0.1.1"), LATER, ""),
        (row(why="check: /mnt/nfs/ab is gone"), LATER, "not a mount's reason"),
        (row(why="GPU 3 fell off the bus"), LATER, "not a mount's reason"),
        (row(why="Kill task failed"), LATER, "not a mount's reason"),
        (row(why="bad unfs3 build"), LATER, "not a mount's reason"),
        (row(), {}, "no run has brought it over since"),
        (row(), {"gpu-001": Cure(AT - timedelta(seconds=1), False)}, "it was brought over before"),
        (row(since="Unknown"), LATER, "it was brought over before"),
        (row(state="down*"), LATER, "look at slurmd"),
        (row(state="down", why=REBOOT), LATER, "look at slurmd"),
        (
            row(state="down", why=REBOOT),
            {"gpu-001": Cure(LATER["gpu-001"].at, True)},
            "",
        ),
    ],
)
def test_a_node_is_resumed_when_it_was_drained_for_a_mount_and_mended_since(
    line: str, cured: dict[str, Cure], why: str
) -> None:
    wanted = resumption(drained(line), CLIENTS, cured)
    assert [one.name for one in wanted.nodes] == ([] if why else [line.partition("|")[0]])
    assert all(why in text for text in wanted.kept.values())
    assert len(wanted.kept) == bool(why)


def test_a_node_that_is_no_client_is_not_spoken_of() -> None:
    assert resumption(drained("cpu-1|10.9.9.9|drained|2026-11-27T07:00:00|NFS\n"), CLIENTS, LATER).kept == {}


def test_cures_are_the_last_ones_of_the_journals(tmp_path: Path) -> None:
    for message in ("rebooted; mounted", "mounted"):
        journal = Journal(tmp_path, "nfs-srv-2")
        journal.write(Event.STEP_DONE, step="client gpu-001", message=message)
        journal.write(Event.STEP_DONE, step="switch nfs-srv-2", message="")
        journal.write(Event.STEP_FAILED, step="client gpu-002", reason="silent")
        journal.close()
    found = cures(tmp_path, AT)
    assert list(found) == ["gpu-001"]
    assert not found["gpu-001"].rebooted
    assert cures(tmp_path, datetime.now().astimezone() + timedelta(minutes=1)) == {}


def test_sinfo_is_asked_for_plain_times_and_may_print_any_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sinfo = tmp_path / "sinfo"
    sinfo.write_text(
        '#!/bin/sh\n[ "$SLURM_TIME_FORMAT" = standard ] || exit 9\n'
        "printf 'gpu-1|10.0.1.1|drained|2026-11-28T06:00:00|NFS \\377\\n'\n"
    )
    sinfo.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("SLURM_TIME_FORMAT", "relative")
    assert [(node.name, node.reason) for node in Slurm().drained()] == [("gpu-1", "NFS \ufffd")]


def test_a_sinfo_that_cannot_be_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sinfo").write_text("no program")
    (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Usage, match="sinfo: Exec format error"):
        Slurm().drained()
