"""What a rehearsal adds to a latency is read from the writer's notes and the rehearsal's journal."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.rehearsal import cores, fsync_writer
from bench.rehearsal.cores import Cores
from bench.rehearsal.latencies import Latency, Write, added, parsed, spans, within
from lab.system.errors import HardwareError

pytestmark = pytest.mark.own_rule

PROGRAM = Path(fsync_writer.__file__)


def test_the_writer_notes_what_it_wrote(tmp_path):
    writer = subprocess.Popen([sys.executable, PROGRAM, tmp_path / "file", tmp_path / "notes"])
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end and not (
            (tmp_path / "notes").exists() and len(parsed((tmp_path / "notes").read_text())) > 2
        ):
            time.sleep(0.05)
    finally:
        writer.kill()
        writer.wait()
    writes = parsed((tmp_path / "notes").read_text())
    assert len(writes) > 2
    assert all(0 < w.seconds < 30 and abs(w.at - time.time()) < 60 for w in writes)
    assert (tmp_path / "file").read_bytes()[:16] == b"000000000000000\n"
    assert (tmp_path / "file").stat().st_size >= 3 * 4096


def test_a_write_that_fails_is_noted_and_the_next_one_tried(tmp_path, monkeypatch):
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            raise OSError(errno.EIO, "an error")
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(fsync_writer, "PAUSE_SECONDS", 0)
    with pytest.raises(KeyboardInterrupt):
        fsync_writer.main(str(tmp_path / "file"), str(tmp_path / "notes"))
    failed, good = parsed((tmp_path / "notes").read_text())
    assert (failed.seconds, failed.error) == (None, "EIO")
    assert good.seconds is not None
    latency = Latency.of([failed, good])
    assert (latency.count, latency.errors) == (1, 1)


def test_notes_are_on_our_clock_and_a_line_that_was_cut_is_left_out():
    writes = parsed("100.500 0.250000\n101.000 error EIO\n101.5 0.1", ahead=0.5)
    assert writes == [Write(100.0, 0.25), Write(100.5, None, "EIO")]
    assert writes[0].began == 99.75


def test_a_write_belongs_to_a_span_that_it_was_under_way_in():
    long, before, after = Write(10.0, 4.0), Write(5.0, 1.0), Write(20.0, 1.0)
    assert within([long, before, after], (7.0, 8.0)) == [long]
    assert within([long, before, after], (4.5, 6.5)) == [long, before]
    assert within([long, before, after], (11.0, 18.0)) == []


def test_a_median_and_what_95_of_100_stay_below():
    latency = Latency.of([Write(float(n), n / 1000) for n in range(1, 101)])
    assert (latency.count, latency.errors) == (100, 0)
    assert latency.median == pytest.approx(0.0505)
    assert latency.high == 0.095
    assert Latency.of([Write(1.0, 0.2)]).high == 0.2
    with pytest.raises(ValueError, match="no write of 1"):
        Latency.of([Write(1.0, None, "EIO")])


def test_what_the_median_grew_by():
    alone, beside = Latency(10, 0.100, 0.2, 0), Latency(10, 0.106, 0.9, 0)
    assert added(alone, beside) == pytest.approx(0.06)
    assert added(beside, alone) < 0


def test_the_steps_of_a_journal():
    def event(second: int, name: str, **details: str) -> dict[str, str]:
        return {"at": f"1970-01-01T00:00:{second:02d}+00:00", "event": name, **details}

    journal = [
        event(1, "run-started"),
        event(2, "step-started", step="clone"),
        event(5, "step-done", step="clone"),
        event(6, "step-started", step="launch"),
        event(9, "step-failed", step="launch"),
        event(10, "step-started", step="remove"),
    ]
    assert spans(journal) == {"clone": (2.0, 5.0), "launch": (6.0, 9.0)}


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A lab of three processes: a guest, the volumes, and another one; none is a real one."""
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    names = ("guest", "tgtd", "api")
    running = {name: subprocess.Popen([*sleep, str(tmp_path / "lab" / name)]) for name in names}
    for one in running.values():  # between exec(2)'s two halves a process has no arguments
        while str(tmp_path).encode() not in Path(f"/proc/{one.pid}/cmdline").read_bytes():
            time.sleep(0.01)
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/pid").write_text(str(running["tgtd"].pid))
    monkeypatch.setattr(
        cores,
        "Guest",
        lambda *_: SimpleNamespace(pid=lambda: running["guest"].pid if running["guest"] else None),
    )
    directory = SimpleNamespace(tgtd=tmp_path / "lab")
    monkeypatch.setattr(cores, "pid_of", lambda file, mark: int(file.read_text()))
    mine = os.sched_getaffinity(0)
    lab = SimpleNamespace(run=tmp_path / "lab", directory=directory, instance=lambda name: name)
    yield SimpleNamespace(lab=lab, running=running)
    os.sched_setaffinity(0, mine)
    for process in running.values():
        if process:
            process.kill()
            process.wait()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one processor")
def test_the_serving_side_has_a_processor_of_its_own(lab):
    every = os.sched_getaffinity(0)
    sides = Cores(lab.lab)
    sides.separate()
    of = {name: os.sched_getaffinity(one.pid) for name, one in lab.running.items()}
    assert of == {"guest": {min(every)}, "tgtd": {min(every)}, "api": {max(every)}}
    assert os.sched_getaffinity(0) == {max(every)}, "the operator, and with it what it starts"
    sides.together()
    assert all(os.sched_getaffinity(one.pid) == every for one in lab.running.values())
    assert os.sched_getaffinity(0) == every


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one processor")
def test_a_server_that_does_not_run_is_named(lab):
    guest, lab.running["guest"] = lab.running["guest"], None
    guest.kill()
    guest.wait()
    with pytest.raises(HardwareError, match="not running: nfs-srv-1, nfs-cli"):
        Cores(lab.lab).separate()


def test_one_processor_is_not_enough(lab, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    with pytest.raises(HardwareError, match="this machine has one"):
        Cores(lab.lab)
