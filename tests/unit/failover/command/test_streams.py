"""A reader that goes away, a full disk and a closed stream end the printing alone, never the work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

END = "stdin: '', own number: True"
WORK = """
import sys
from pathlib import Path
from failover.command import streams
streams.install()
from rich.console import Console
console = Console(soft_wrap=True)
for number in range(600):
    console.print(f"step {number}: gpu-\\u3042 {'.' * 200}", markup=False)
    print("warning", number, file=sys.stderr)
sys.stdout.flush()
with Path(sys.argv[1]).open("w") as file:
    file.write(f"stdin: {sys.stdin.read()!r}, own number: {file.fileno() > 2}")
"""


def _worked(file: Path, **streams: Any) -> subprocess.CompletedProcess[bytes]:
    """A program that prints much and leaves `file` at its very end."""
    argv = [sys.executable, "-c", WORK, str(file)]
    return subprocess.run(argv, cwd=ROOT, timeout=60, check=False, stdin=subprocess.DEVNULL, **streams)


def _without_a_reader() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def test_a_reader_that_goes_away_ends_only_the_printing(tmp_path: Path) -> None:
    writer = _without_a_reader()
    done = _worked(tmp_path / "end", stdout=writer, stderr=writer)
    os.close(writer)
    assert (done.returncode, (tmp_path / "end").read_text()) == (0, END)


def test_a_full_disk_is_said_once_where_that_can_be_read(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = _worked(tmp_path / "end", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 0
    assert (tmp_path / "end").exists()
    assert done.stderr.count(b"standard output takes no more ([Errno 28] No space left on device)") == 1


def test_streams_that_are_closed_are_no_errors_and_no_file_gets_their_numbers(tmp_path: Path) -> None:
    command = 'exec "$0" "$@" <&- >&- 2>&-'
    argv = ["sh", "-c", command, sys.executable, "-c", WORK, str(tmp_path / "end")]
    assert subprocess.run(argv, cwd=ROOT, timeout=60, check=False).returncode == 0
    assert (tmp_path / "end").read_text() == END


def test_a_name_that_the_encoding_lacks_is_printed_escaped(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = _worked(tmp_path / "end", stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    assert (done.returncode, done.stdout[:20]) == (0, b"step 0: gpu-\\u3042 .")


def test_a_reader_that_waits_gets_all_of_a_pipe_that_does_not_block(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    argv = [sys.executable, "-c", WORK, str(tmp_path / "end")]
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.DEVNULL
    ) as run:
        os.close(writer)
        with os.fdopen(reader, "rb") as stream:
            assert stream.read().count(b"step") == 600
        assert run.wait(60) == 0


VERBS = [("verbs",), ("failover", "--active", "nfs-srv-2", "--json"), ("--help", "plan")]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_ends_with_its_own_exit_code_when_nobody_reads(
    verb: tuple[str, ...], tmp_path: Path
) -> None:
    environment = {**os.environ, "NFS_FAILOVER_SITE": str(tmp_path / "none.toml")}
    writer, invoke = _without_a_reader(), str(ROOT / ".venv/bin/invoke")
    argv = [invoke, *verb]
    done = subprocess.run(
        argv, cwd=ROOT, env=environment, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writer)
    assert b"Traceback" not in done.stderr
    assert done.returncode == (2 if "failover" in verb else 0)
