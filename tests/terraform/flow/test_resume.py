"""kill -9 of the operator at every event of its journal, and of it and Terraform in the middle of an apply.

Each time the same command is run again and must reach the end state: nothing attached twice, one instance
launched, one server serving.
"""

from __future__ import annotations

import fcntl
import os
import pty
import resource
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from failover.runs import journal as journals
from failover.stack.state_lock import STATE_FILE
from tests import sources
from tests.paths import ROOT
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.RUN)

EVENTS = (
    *("run-started", "power-on started", "power-off started", "first of the two done", "both done"),
    *("reach started", "reach done", "switch started", "switch done", "take-over started"),
    *("take-over done", "client started", "client done", "verify-started", "verified", "run-done"),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    with whole_site(tmp_path_factory.mktemp("resume")) as made:
        yield made


def other(server: str) -> str:
    return SECOND if server == FIRST else FIRST


def must_end_done(site: WholeSite, target: str) -> str:
    """The same command again; what it said."""
    report, said = site.fail_over(target)
    assert report.outcome.value in ("done", "nothing-to-do"), said
    site.assert_settled_on(target)
    return said


def newest_events(site: WholeSite) -> int:
    runs = sorted(p.parent for p in (site.file.parent / "runs").glob("*/journal.jsonl"))
    return len(journals.read(runs[-1]))


@pytest.fixture(scope="module")
def both_there(site: WholeSite) -> WholeSite:
    """nfs-srv-2 serves, nfs-srv-1 is off: from here on every run is the whole way to the other one."""
    site.silence(FIRST)
    must_end_done(site, SECOND)
    return site


@pytest.mark.parametrize("number", range(1, len(EVENTS) + 1), ids=lambda n: f"{n} {EVENTS[n - 1]}")
def test_killed_at_an_event(both_there: WholeSite, number: int) -> None:
    site = both_there
    old = site.serving()
    target = other(old)
    site.silence(old)
    process = site.drive(target, number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, said
    assert newest_events(site) == number
    site.assert_never_double()
    must_end_done(site, target)


def on_a_terminal(argv: list[str]) -> tuple[subprocess.Popen[bytes], int]:
    """The process, whose controlling terminal is a new one, and the other end of that (pty(7))."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        argv,
        cwd=ROOT,
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one call of the kernel's
    )
    os.close(its)
    return process, ours


def test_a_terminal_that_hangs_up_ends_no_run_that_has_begun(both_there: WholeSite) -> None:
    site = both_there
    old = site.serving()
    site.silence(old)
    runs = site.file.parent / "runs"
    before = set(runs.glob("*/journal.jsonl"))
    process, terminal = on_a_terminal(site.command(other(old)))
    give_up = time.monotonic() + 60
    while not any("step-started" in path.read_text() for path in set(runs.glob("*/journal.jsonl")) - before):
        assert time.monotonic() < give_up, "no step began within 60 s"
        time.sleep(0.02)
    os.close(terminal)  # the kernel sends SIGHUP to its session
    assert process.wait(60) == 0
    (journal,) = set(runs.glob("*/journal.jsonl")) - before
    assert journals.read(journal.parent)[-1]["event"] == "run-done"
    assert (journal.parent / "report.html").exists()
    site.assert_settled_on(other(old))


def test_the_numbers_are_all_events_of_a_run(both_there: WholeSite) -> None:
    site = both_there
    old = site.serving()
    site.silence(old)
    must_end_done(site, other(old))
    assert newest_events(site) == len(EVENTS)


@pytest.mark.parametrize("number", [3, 5, 6])
def test_a_planned_move_killed_beside_its_release(both_there: WholeSite, number: int) -> None:
    """The old server answers and gives up; killed before, after, and when the switch has begun."""
    site = both_there
    target = other(site.serving())
    site.silence()
    site.drive(target, number).communicate(timeout=60)
    must_end_done(site, target)


def a_dead_server(site: WholeSite, operation: str) -> str:
    """The one that serves, and answers no more; the other one is still to be launched where that is meant."""
    if operation == "LaunchInstance":
        if site.serving() == SECOND:
            site.silence()
            must_end_done(site, FIRST)
        site.forget_second()
    old = site.serving()
    site.silence(old)
    return old


@pytest.mark.parametrize("also_terraform", [False, True], ids=["operator", "operator and terraform"])
@pytest.mark.parametrize("operation", ["LaunchInstance", "DetachVolume", "AttachVolume"])
def test_killed_in_the_middle_of_an_apply(
    both_there: WholeSite, operation: str, also_terraform: bool
) -> None:
    """The call has been carried out, its answer is on the way, and nobody is left to hear it."""
    site, old = both_there, a_dead_server(both_there, operation)
    site.cloud.inject(operation=operation, delay=2.5, after=True)
    process = site.drive(other(old))
    await_met(site, operation)
    terraforms = children(process.pid)
    process.kill()
    process.communicate(timeout=20)
    if also_terraform:
        for pid in terraforms:
            os.kill(pid, signal.SIGKILL)
    said = must_end_done(site, other(old))
    waited = "waiting for terraform apply of" in said
    assert waited is not also_terraform, said


@pytest.mark.parametrize(
    ("operation", "kept"), [("LaunchInstance", 0.0), ("DetachVolume", 0.5), ("AttachVolume", 0.0)]
)
def test_killed_while_terraform_wrote_its_state(both_there: WholeSite, operation: str, kept: float) -> None:
    """The state of before the apply is all that is left of it: what was done since is found in the API."""
    site, old = both_there, a_dead_server(both_there, operation)
    state = site.stack.folder / STATE_FILE
    backup, before = state.with_name(f"{STATE_FILE}.backup"), state.read_bytes()
    backup.unlink(missing_ok=True)
    site.cloud.inject(operation=operation, delay=1.0, after=True)
    process = site.drive(other(old))
    await_met(site, operation)
    for pid in (process.pid, *children(process.pid)):
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=20)
    if not backup.exists():
        backup.write_bytes(before)  # with this a Terraform begins its first writing
    os.truncate(state, int(state.stat().st_size * kept))
    look = site.look()
    assert look.outcome.exit_code == 3
    assert f"{STATE_FILE}.backup" in look.remedy
    said = must_end_done(site, other(old))
    assert "the state of before was put back" in said


def test_what_a_shell_holds_for_terraform_changes_no_plan_of_a_run(
    both_there: WholeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = both_there
    old = site.serving()
    site.silence(old)
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-refresh-only")
    monkeypatch.setenv("TF_VAR_fence", "whatever")
    report, said = site.fail_over(other(old))
    assert report.outcome.value == "done", said
    assert any("TF_CLI_ARGS_plan, TF_VAR_fence" in note for note in report.notes)
    site.assert_settled_on(other(old))


@contextmanager
def short_files(most_bytes: int) -> Iterator[None]:
    """No file of this process grows beyond this: what a disk's quota does, too (setrlimit(2))."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room_stops_a_run_before_its_first_step(both_there: WholeSite) -> None:
    site = both_there
    old = site.serving()
    site.silence(old)
    with short_files(8 << 20):
        report, said = site.fail_over(other(old))
    assert report.outcome.value == "refused", said
    assert "this machine's disk" in report.reason
    assert "make room" in report.remedy
    assert report.run is None
    assert site.serving() == old
    assert [i["lifecycleState"] for i in site.model.bodies("kind = 'instance'")].count("RUNNING") == 1
    must_end_done(site, other(old))


def await_met(site: WholeSite, operation: str, patience_seconds: float = 20) -> None:
    """Until a call has met the fault, and has been carried out."""
    deadline = time.monotonic() + patience_seconds
    while site.cloud._control("GET", "faults"):
        assert time.monotonic() < deadline, f"nobody calls {operation}"
        time.sleep(0.02)
    time.sleep(0.3)


def children(pid: int) -> list[int]:
    """The processes that this one started and that still are."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in lists for child in one.read_text().split()]


def test_terraform_killed_alone_is_no_silent_success(both_there: WholeSite) -> None:
    site = both_there
    old = site.serving()
    site.silence(old)
    # shorter than the provider's patience: it would ask again, into the next test, after Terraform's end
    site.cloud.inject(operation="AttachVolume", delay=1.5, after=True)
    process: subprocess.Popen[str] = site.drive(other(old))
    await_met(site, "AttachVolume")
    for pid in children(process.pid):
        os.kill(pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    assert process.returncode in (4, 5), said
    assert "by the API" in said
    must_end_done(site, other(old))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_lets_the_step_end_and_the_same_command_goes_on(both_there: WholeSite, number: int) -> None:
    site = both_there
    old = site.serving()
    site.silence(old)
    site.cloud.inject(operation="AttachVolume", delay=1.5, after=True)
    process = site.drive(other(old))
    await_met(site, "AttachVolume")
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 5, said
    assert f"interrupted: waiting for switch {other(old)} to end" in said
    assert f"switch {other(old)}: done" in said
    assert "Traceback" not in said
    assert site.holders() == {name: [f"ATTACHED {other(old)}"] for name in site.volumes}
    must_end_done(site, other(old))
