"""The interpreter of plans: order, side by side, stop at the first failure, everything journalled."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from failover.act.execution import Execution
from failover.model.outcome import ClientLeft, ClientSilent, Failed, Refused, Unknown
from failover.plan.model import Plan, Step, StepKind
from failover.runs import journal as journals
from failover.runs.events import Event
from failover.runs.journal import Journal

FENCE = Step(StepKind.POWER_OFF, "nfs-srv-1", "")
LAUNCH = Step(StepKind.LAUNCH, "nfs-srv-2", "")
SWITCH = Step(StepKind.SWITCH, "nfs-srv-2", "", (FENCE.name, LAUNCH.name))
SWITCH_ALONE = Step(StepKind.SWITCH, "nfs-srv-2", "")
PLAN = Plan("nfs-srv-2", "nfs-srv-1", (FENCE, LAUNCH, SWITCH), ())


class Quiet:
    def interrupted(self, running):
        pass

    def started(self, step):
        pass

    def ended(self, step, seconds, message, ok):
        pass


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path, "nfs-srv-2")
    yield made
    made.close()


def events(journal):
    return [(e["event"], e.get("step")) for e in journals.read(journal.folder)]


def test_steps_without_order_run_side_by_side_and_the_last_one_waits(journal):
    meeting = threading.Barrier(2, timeout=10)
    order = []

    def do(step):
        if step is not SWITCH:
            meeting.wait()  # breaks unless both are under way at once
        order.append(step.name)
        return "ok"

    execution = Execution(PLAN, do, journal, Quiet())
    execution.run()
    assert order[-1] == SWITCH.name
    assert len(execution.phases) == 3


def test_the_first_failure_stops_the_run_and_keeps_what_was_done(journal):
    def do(step):
        if step is FENCE:
            raise Failed("no power over nfs-srv-1")
        return "ok"

    execution = Execution(PLAN, do, journal, Quiet())
    with pytest.raises(Failed, match="no power over"):
        execution.run()
    assert [p.name for p in execution.phases] == [LAUNCH.name]
    assert ("step-failed", FENCE.name) in events(journal)
    assert ("step-started", SWITCH.name) not in events(journal)


def test_ctrl_c_is_passed_on_and_the_step_that_was_called_off_says_what_it_came_to(journal):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored where this runs
    called_off = threading.Event()

    def do(step):
        if step is FENCE:
            os.kill(os.getpid(), signal.SIGINT)
            assert called_off.wait(10)
            raise Unknown("cancelled half way")
        return "ok"

    execution = Execution(PLAN, do, journal, Quiet(), on_interrupt=called_off.set)
    try:
        with pytest.raises((Unknown, KeyboardInterrupt)) as caught:
            execution.run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert "half way" in str(caught.value)
    assert ("step-started", SWITCH.name) not in events(journal)


def test_every_step_is_in_the_journal_before_it_starts(journal):
    def do(step):
        assert ("step-started", step.name) in events(journal)
        assert ("step-done", step.name) not in events(journal)
        return "ok"

    Execution(PLAN, do, journal, Quiet()).run()
    assert ("step-done", SWITCH.name) in events(journal)


def test_a_client_that_is_left_stops_neither_the_others_nor_the_run(journal):
    clients = [Step(StepKind.CLIENT, f"c{n}", "", (SWITCH.name,)) for n in range(3)]

    def do(step):
        if step is clients[1]:
            raise ClientLeft("its disk is full")
        return "ok"

    execution = Execution(Plan("nfs-srv-2", None, (SWITCH_ALONE, *clients), ()), do, journal, Quiet())
    execution.run()
    assert {p.name for p in execution.phases} == {SWITCH.name, "client c0", "client c2"}
    assert ("step-failed", "client c1") in events(journal)


def test_a_line_cut_off_by_a_crash_is_left_out(journal):
    journal.write(Event.RUN_STARTED)
    with (journal.folder / "journal.jsonl").open("a") as stream:
        stream.write('{"event": "tw')
    assert [e["event"] for e in journals.read(journal.folder)] == ["run-started"]


class Counting(Quiet):
    """It keeps the clients' last count."""

    def counted(self, tally):
        self.tally = tally


def fleet(journal, client, count=40):
    """An execution of a plan with so many clients, and its listener."""
    clients = [Step(StepKind.CLIENT, f"gpu-{n:03}", "", (SWITCH_ALONE.name,)) for n in range(count)]
    listener = Counting()
    plan = Plan("nfs-srv-2", None, (SWITCH_ALONE, *clients), ())
    return Execution(plan, lambda _: "ok", journal, listener, client=client), listener


def test_clients_are_done_together_and_equal_failures_are_one_line(journal):
    async def client(step, begun):
        begun()
        if step.subject < "gpu-003":
            raise ClientLeft(f"{step.subject}: its disk is full")
        if step.subject == "gpu-039":
            raise ClientSilent("no answer within 10 s")
        return "mounted"

    execution, listener = fleet(journal, client)
    execution.run()
    assert len(execution.phases) == 37
    assert listener.tally.line == "36 done, 1 unreachable, 3 failed, 0 left"
    assert list(listener.tally.summary()) == [
        "done: 36 (gpu-[003-038]): mounted",
        "unreachable: 1 (gpu-039): no answer within 10 s",
        "failed: 3 (gpu-[000-002]): the host: its disk is full",
    ]
    found = events(journal)
    assert sum(event == "step-started" for event, _ in found) == 41
    assert ("step-failed", "client gpu-000") in found
    assert ("step-done", "client gpu-038") in found


def test_a_site_that_was_taken_over_stops_the_clients_and_is_what_the_run_ends_with(journal):
    async def client(step, begun):
        if step.subject == "gpu-005":
            raise Refused("this site was taken over from this run")
        return "mounted"

    execution, _ = fleet(journal, client)
    with pytest.raises(Refused, match="taken over"):
        execution.run()
    assert len(execution.phases) == 40  # what was done stays known
