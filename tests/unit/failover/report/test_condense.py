"""A run with 1,000 clients stays readable: its page, its ticket, its plan and what the terminal shows."""

from __future__ import annotations

import json
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from failover.model.finding import Finding
from failover.model.nodeset import FEW
from failover.model.outcome import Outcome
from failover.model.timeline import Phase
from failover.plan import document, planner
from failover.plan.model import Plan, StepKind
from failover.report import condense, page, plan_table, terminal, text
from failover.report.journal_reader import read_run
from failover.report.report import Report
from tests.unit.failover.plan.site_model import usual

SILENT, FULL = "gpu-0007", "gpu-0009"
_LAYER = {"seconds": 1.2, "state": "present", "message": "mounted: nfs-srv-2:/mnt/a"}


def plan_of(clients: int) -> Plan:
    world = usual(up=False)
    names = tuple(f"gpu-{n:04}" for n in range(clients))
    return planner.make(
        type(world)(world.hosts, world.held, world.active, clients=names).observe("nfs-srv-2")
    )


def journal_of(plan: Plan) -> list[dict[str, Any]]:
    """What a run of this plan leaves: one client is silent, one has a full disk."""

    def at(second: float) -> str:
        return f"2026-03-14T03:{int(second) // 60:02}:{second % 60:09.6f}+00:00"

    steps = [s.name for s in plan.steps]
    events: list[dict[str, Any]] = [
        {
            "at": at(0),
            "event": "run-started",
            "target": plan.target,
            "steps": steps,
            "plan": document.document(plan),
        }
    ]
    for number, step in enumerate(plan.steps):
        began = 10.0 + number if step.kind is not StepKind.CLIENT else 60.0
        ended: dict[str, Any] = {
            "at": at(began + 20),
            "event": "step-done",
            "step": step.name,
            "seconds": 20.0,
        }
        if step.kind is StepKind.CLIENT:
            name = step.subject
            answer = {"seconds": 1.5, "layers": {"client": dict(_LAYER)}}
            ended |= {"message": "mounted: nfs-srv-2:/mnt/a", "hooks": {name: {"apply": answer}}}
            if name in (SILENT, FULL):
                why = "no answer within 10 s" if name == SILENT else f"{name}: no space left on device"
                del ended["message"]
                ended |= {"event": "step-failed", "reason": why}
        events += [{"at": at(began), "event": "step-started", "step": step.name, "why": step.why}, ended]
    found = [
        {"subject": f"client {s.subject}", "ok": s.subject != FULL, "actual": "mounted: x", "client": True}
        for s in plan.steps
        if s.kind is StepKind.CLIENT
    ]
    events += [
        {"at": at(90), "event": "verify-started"},
        {"at": at(99), "event": "verified", "findings": found},
    ]
    return events


@pytest.fixture(scope="module")
def thousand() -> Plan:
    return plan_of(1000)


def test_the_page_of_a_thousand_clients_is_small_and_names_those_that_failed(thousand: Plan) -> None:
    start = time.process_time()
    run = read_run("id", journal_of(thousand))
    html, markdown = page.html(run), page.markdown(run)
    assert time.process_time() - start < 10  # it grows with the clients, not with their square
    assert len(html.encode()) < 100_000
    assert len(markdown.encode()) < 100_000
    for shown in (html, markdown.replace("\\", "")):
        assert f"client {SILENT}" in shown
        assert f"client {FULL}" in shown
        assert "gpu-[0000-0006,0008,0010-0999]" in shown
        assert "no space left on device" in shown
    assert html.rindex(f"client {FULL}") > html.rindex("gpu-[0000-0006,0008,0010-0999]")
    assert len(run.steps) == len(thousand.steps)  # the record itself has them all


def test_the_terminal_is_as_short(thousand: Plan) -> None:
    console = Console(file=StringIO(), width=120, highlight=False)
    plan_table.show(thousand, "remount", console)
    text.show(read_run("id", journal_of(thousand)), console)
    found = tuple(Finding(f"client gpu-{n:04}", n != 9, "mounted: x", client=True) for n in range(1000))
    report = Report("nfs-srv-2", outcome=Outcome.DONE, active="nfs-srv-2", findings=found)
    report.phases = [Phase("switch nfs-srv-2", 3.0, "")]
    report.phases += [Phase(f"client gpu-{n:04}", n / 100, "") for n in range(1000)]
    report.notes = tuple(f"client gpu-{n:04} does not answer SSH: it is left alone" for n in range(20))
    terminal.show(report, console)
    lines = console.file.getvalue().splitlines()
    assert len(lines) < 120
    assert sum("1000 clients" in line for line in lines) == 1
    assert any(line.startswith("note: client gpu-[0000-0019] does not answer") for line in lines)
    wrong, right = (
        next(n for n, line in enumerate(lines) if mark in line) for mark in ("NOT RIGHT", "verified")
    )
    assert wrong > right


def test_what_is_executed_and_kept_is_the_whole_plan(thousand: Plan) -> None:
    assert len(condense.plan(thousand).steps) < 10
    kept = json.loads(json.dumps(document.document(thousand)))
    assert len(kept["clients"]) == 1000


def test_a_few_clients_are_shown_one_by_one() -> None:
    small = plan_of(FEW)
    assert condense.plan(small).steps == small.steps
    assert condense.record(read_run("id", journal_of(small))).steps == read_run("id", journal_of(small)).steps


def test_hundreds_of_failures_of_which_none_is_like_another_are_a_few_rows() -> None:
    every = [
        Finding(f"client gpu-{n:03}", False, f"disk {n * 7919} is full", client=True) for n in range(300)
    ]
    rows = condense.findings(every)
    assert len(rows) < 20
    assert "each for itself" in rows[-1].actual
    assert not any(f.ok for f in rows)


def test_names_are_folded_as_slurm_writes_them(tmp_path: Path) -> None:
    lines = [f"client gpu-{n:03} is left alone: no answer" for n in (*range(1, 65), 70)]
    assert condense.notes(lines) == ("client gpu-[001-064,070] is left alone: no answer",)
