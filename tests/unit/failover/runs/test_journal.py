"""What is read of a journal: every event up to the first line that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from failover.runs import journal
from failover.runs.events import Event


@pytest.mark.parametrize(
    "line",
    [b'{"at": "x", "event": "run-done"}', b"[]", b'{"at": "2026-11-28"}', b"\xff", b'{"at"', b"[" * 9999],
)
def test_a_broken_line_ends_the_run_and_no_list_of_runs(line: bytes, tmp_path: Path) -> None:
    written = journal.Journal(tmp_path, "nfs-srv-2")
    written.write(Event.RUN_STARTED, pid=1)
    written.close()
    with (written.folder / "journal.jsonl").open("ab") as file:
        file.write(line + b"\n")
    assert [(event["event"], event["pid"]) for event in journal.read(written.folder)] == [("run-started", 1)]
