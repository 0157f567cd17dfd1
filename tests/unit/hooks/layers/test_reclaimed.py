"""NFSv4.0's clients that took their state back: the program of the unit, on a record as nfsdcld makes it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hooks.layers.locks import reclaimed
from lab.system.waiting import until

# as nfsdcld 2.6 makes it (utils/nfsdcld/sqlite.c): the epoch before is dropped when the grace ends
SCHEMA = """
CREATE TABLE parameters (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE grace (current INTEGER, recovery INTEGER);
INSERT INTO grace VALUES (10, 0);
CREATE TABLE "rec-000000000000000a" (id BLOB PRIMARY KEY, princhash BLOB);
"""
INFO = 'clientid: 0x1\naddress: "10.0.0.21:777"\nstatus: confirmed\nname: "{}"\nminor version: {}\n'
NAME = "Linux NFSv4.0 nfs-cli"


@dataclass
class Nfsd:
    """What /proc/fs/nfsd says, and the record."""

    root: Path

    def client(self, number: int, name: str, minor: int, states: str = "- 0x1: { type: open }\n") -> None:
        folder = self.root / "clients" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "info").write_text(INFO.format(name, minor))
        (folder / "states").write_text(states)

    def given_up(self, number: int) -> None:
        folder = self.root / "clients" / str(number)
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()

    def record(self, statement: str = "", *values: bytes) -> list[bytes]:
        """The names that stand in the record, after this statement."""
        database = sqlite3.connect(self.root / "main.sqlite")
        with database:
            if statement:
                database.execute(statement, values)
            rows = database.execute('SELECT id FROM "rec-000000000000000a" ORDER BY id').fetchall()
        database.close()
        return [bytes(row[0]) for row in rows]

    def look(self) -> None:
        argv = [sys.executable, "-c", reclaimed.TEXT, str(self.root), str(self.root), "0"]
        subprocess.run(argv, check=True, timeout=30)


@pytest.fixture
def nfsd(tmp_path: Path, real_commands: None) -> Nfsd:
    database = sqlite3.connect(tmp_path / "main.sqlite")
    database.executescript(SCHEMA)
    database.close()
    (tmp_path / "v4_end_grace").write_text("Y\n")
    return Nfsd(tmp_path)


def test_a_client_that_has_state_is_entered_once(nfsd: Nfsd) -> None:
    nfsd.client(1, NAME, 0)
    nfsd.look()
    nfsd.look()
    assert nfsd.record() == [NAME.encode()]


def test_a_name_is_entered_as_the_client_gave_it(nfsd: Nfsd) -> None:
    nfsd.client(1, r"Linux \x22a\x22 \x5cb \xc3\xa9", 0)
    nfsd.look()
    assert nfsd.record() == [b'Linux "a" \\b \xc3\xa9']


@pytest.mark.parametrize(("minor", "states"), [(2, "- 0x1: { type: open }\n"), (0, "")])
def test_whom_nfsd_enters_itself_and_who_has_no_state_is_not_entered(
    nfsd: Nfsd, minor: int, states: str
) -> None:
    nfsd.client(1, NAME, minor, states)
    nfsd.look()
    assert nfsd.record() == []


def test_in_the_grace_the_record_is_nfsdclds_alone(nfsd: Nfsd) -> None:
    (nfsd.root / "v4_end_grace").write_text("N\n")
    nfsd.client(1, NAME, 0)
    nfsd.look()
    assert nfsd.record() == []


def test_others_in_the_record_stay(nfsd: Nfsd) -> None:
    nfsd.record('INSERT INTO "rec-000000000000000a" (id) VALUES (?)', b"Linux NFSv4.2 gpu-001")
    nfsd.client(1, NAME, 0)
    nfsd.look()
    assert nfsd.record() == [NAME.encode(), b"Linux NFSv4.2 gpu-001"]


def test_a_client_that_nfsd_gave_up_is_struck_off(nfsd: Nfsd) -> None:
    """By the program that runs on, and that has seen it before; nfsd strikes off what it entered alone."""
    nfsd.client(1, NAME, 0)
    argv = [sys.executable, "-c", reclaimed.TEXT, str(nfsd.root), str(nfsd.root), "0.05"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == f"entered {NAME}\n"
            assert until(lambda: nfsd.record() == [NAME.encode()], 30, 0.05)
            nfsd.given_up(1)
            assert until(lambda: nfsd.record() == [], 30, 0.05)
        finally:
            program.terminate()


def test_the_unit_stops_with_nfsd_and_is_started_by_it() -> None:
    (unit, text), (program, _) = reclaimed.files("/mnt/a/.nfs-failover/nfsdcld")
    assert "PartOf=nfs-server.service" in text
    assert f"{program} /proc/fs/nfsd /mnt/a/.nfs-failover/nfsdcld 5" in text.replace("\\\n", "")
    assert f"Wants={unit.rpartition('/')[2]}" in reclaimed.WANTED
