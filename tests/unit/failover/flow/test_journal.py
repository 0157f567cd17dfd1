"""The journal that a whole flow writes, over a model of a site: it alone makes the report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from failover.act.evidence import Evidence
from failover.flow import flow as flows
from failover.flow import inspection
from failover.flow.flow import Flow, Options
from failover.model.finding import Finding
from failover.model.observation import Presence
from failover.model.outcome import Failed, Outcome, Refused
from failover.model.site import Objectives
from failover.plan.model import StepKind
from failover.report.journal_reader import read_run
from failover.report.report import Report
from failover.report.write import keep
from failover.runs import history, journal
from tests.unit.failover.plan.site_model import Host, answer, usual

SIDE_BY_SIDE = 0.15  # seconds that a step of the model takes


class ModelSite:
    """A site without a cloud: steps change the model, and the next look sees that."""

    def __init__(self, fails: StepKind | None = None):
        self.world = usual(up=False)
        self.fails = fails
        self.evidence = Evidence()
        self.remarks: list[str] = []
        self.ahead: list[str] = []

    def inspection(self, ports, target, clients, report, progress):
        made = object.__new__(inspection.Inspection)
        made._report, made._ports = report, ports
        made.observe = lambda: self.observed(target)
        return made

    def observed(self, target):
        """As the model has it; a target that stands by is asked and answers, too."""
        seen = self.world.observe(target)
        now = seen.servers[target]
        if self.world.hosts[target].up and now.presence is Presence.NOT_ASKED:
            answers = replace(now, presence=Presence.ANSWERS, answer=answer(target, "absent"))
            seen = replace(seen, servers={**seen.servers, target: answers})
        return seen

    def start_hooks(self, server):
        self.ahead.append(f"hooks on {server.name}")

    def settle(self):
        self.ahead.append("settled")

    def crew(self, *_):
        return self

    def do(self, step):
        self.ahead.append(step.name)
        time.sleep(SIDE_BY_SIDE)
        if step.kind is self.fails:
            raise Failed("it did not", "mend it")
        if step.kind is StepKind.TAKE_OVER:
            self.evidence.record_report(step, answer(step.subject, "present"))
        if step.kind is StepKind.POWER_OFF:
            self.evidence.record_fence(step, step.subject, "the API", "STOPPED")
        self.world = self.world.after(step)
        return "ok"


def run(
    tmp_path: Path,
    monkeypatch,
    site: ModelSite,
    assert_held: Callable[[], None] = lambda: None,
    checks: Callable[..., tuple] = lambda *_: (),  # the prechecks have tests of their own
) -> tuple[Report, Exception | None]:
    monkeypatch.setattr(flows, "Inspection", site.inspection)
    monkeypatch.setattr(flows, "Crew", site.crew)

    async def bring_over(crew, step, begun):
        return crew.do(step)

    monkeypatch.setattr(flows, "do", lambda crew, step: crew.do(step))
    monkeypatch.setattr(flows, "bring_over", bring_over)
    monkeypatch.setattr(flows.gate, "checks", checks)
    monkeypatch.setattr(flows, "identity", lambda _: {"user": "aiko", "host": "ops-1", "pid": 1})
    monkeypatch.setattr(inspection, "verify", lambda *_: ((Finding("volume bv1", True, "ATTACHED"),), 0))
    report = Report("nfs-srv-2")
    place = SimpleNamespace(runs=tmp_path, file=tmp_path / "site.toml", objectives=Objectives())
    stack = SimpleNamespace(
        active_file=tmp_path / "active.auto.tfvars",
        recover=lambda say, look_only: None,
        discard_plans=lambda: None,
        interrupt=lambda: None,
    )
    try:
        ports = SimpleNamespace(site=place, runner=stack, hosts=None)
        Flow(ports, Options("nfs-srv-2", yes=True), report, Console(file=StringIO()), assert_held).run()
    except (Failed, Refused) as error:
        report.outcome, report.reason = error.outcome, error.reason
        return report, error
    return report, None


def test_the_journal_of_a_flow_makes_the_whole_report(tmp_path, monkeypatch):
    report, _ = run(tmp_path, monkeypatch, ModelSite())
    assert report.outcome is Outcome.DONE
    seen = read_run(report.run, journal.read(report.folder))
    assert (seen.outcome, seen.active, seen.user, seen.loser) == ("done", "nfs-srv-2", "aiko", "nfs-srv-1")
    assert [s.state for s in seen.timeline] == ["done"] * 8
    assert [(f.server, f.result) for f in seen.fences] == [("nfs-srv-1", "STOPPED")]
    (hooks,) = seen.hooks
    assert (hooks.step, hooks.host, [x.layer for x in hooks.layers]) == (
        "take-over nfs-srv-2",
        "nfs-srv-2",
        ["iscsi", "lvm"],
    )
    assert [f.subject for f in seen.findings] == ["volume bv1"]
    launch, fence = seen.step("launch nfs-srv-2"), seen.step("power-off nfs-srv-1")
    assert launch.start < fence.end
    assert fence.start < launch.end
    keep(report, Console(file=StringIO()))
    assert {p.name for p in report.folder.iterdir()} == {
        "journal.jsonl",
        "report.html",
        "report.json",
        "report.md",
    }
    entry = history.read(report.folder.parent).latest(history.Kind.FAILOVER)
    assert (entry.outcome, entry.facts["run"], entry.facts["active"]) == ("done", report.run, "nfs-srv-2")
    assert entry.facts["steps"]["launch"] == pytest.approx(launch.seconds)
    assert SIDE_BY_SIDE < entry.facts["outage_seconds"] <= entry.seconds


def test_the_takeover_s_hooks_are_started_before_its_steps_where_the_target_answers(tmp_path, monkeypatch):
    site = ModelSite()
    site.world.hosts["nfs-srv-2"] = Host("RUNNING", up=True)
    report, _ = run(tmp_path, monkeypatch, site)
    assert report.outcome is Outcome.DONE
    assert site.ahead[:2] == ["hooks on nfs-srv-2", "power-off nfs-srv-1"]
    launched = ModelSite()
    run(tmp_path / "2", monkeypatch, launched)
    assert not any("hooks on" in one for one in launched.ahead), "there is no server yet"


def test_hooks_that_were_started_end_where_the_preflight_refuses(tmp_path, monkeypatch):
    def refuses(*_):
        raise Refused("no capacity", "ask for it")

    site = ModelSite()
    site.world.hosts["nfs-srv-2"] = Host("RUNNING", up=True)
    _, error = run(tmp_path, monkeypatch, site, checks=refuses)
    assert (str(error), site.ahead) == ("no capacity", ["hooks on nfs-srv-2", "settled"])


def test_a_flow_that_fails_says_so_in_its_journal_with_the_remedy(tmp_path, monkeypatch):
    report, error = run(tmp_path, monkeypatch, ModelSite(fails=StepKind.SWITCH))
    assert error is not None
    seen = read_run(report.run, journal.read(report.folder))
    assert (seen.outcome, seen.reason, seen.remedy) == ("failed", "it did not", "mend it")
    assert seen.step("switch nfs-srv-2").state == "failed"
    assert seen.step("client nfs-cli").state == "not started"


def test_a_run_whose_site_was_taken_over_begins_no_further_step(tmp_path, monkeypatch):
    site = ModelSite()

    def assert_held():
        if site.world.hosts["nfs-srv-2"].up:
            raise Refused("this site was taken over from this run", "leave it")

    report, error = run(tmp_path, monkeypatch, site, assert_held)
    assert isinstance(error, Refused)
    seen = read_run(report.run, journal.read(report.folder))
    assert seen.step("reach nfs-srv-2").state == "done"
    assert seen.step("switch nfs-srv-2").state == "failed"
    assert site.world.held["bv1"] == "nfs-srv-1"


def test_a_full_disk_does_not_change_how_the_run_ended(tmp_path, monkeypatch):
    report, _ = run(tmp_path, monkeypatch, ModelSite())
    (report.folder / "report.html.new").mkdir()  # cannot be written over
    out = StringIO()
    keep(report, Console(file=out, soft_wrap=True))
    assert "makes it again" in out.getvalue()
    assert report.outcome is Outcome.DONE


@pytest.mark.parametrize("kind", [StepKind.POWER_OFF, StepKind.TAKE_OVER])
def test_details_of_a_step_are_its_own(kind, tmp_path, monkeypatch):
    report, _ = run(tmp_path, monkeypatch, ModelSite())
    ended = [e for e in journal.read(report.folder) if e["event"] == "step-done"]
    (mine,) = (e for e in ended if e["step"].startswith(kind.value))
    key = {StepKind.POWER_OFF: "fence", StepKind.TAKE_OVER: "hooks"}[kind]
    assert key in mine
    assert sum(key in e for e in ended) == 1
