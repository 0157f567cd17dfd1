"""A run's journal as the product writes it, with the times of a night: for the page's tests and the docs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from failover.act.evidence import Evidence
from failover.model.host.hook_report import HookReport
from failover.plan import document, planner
from failover.plan.model import Plan, Step, StepKind
from failover.report import page
from failover.report.journal_reader import read_run
from hooks.contract.result import ABSENT, PRESENT, HookResult, Layer
from tests.unit.failover.plan.site_model import usual

Events = list[dict[str, Any]]
BEGAN = datetime(2026, 3, 14, 3, 12, 7, 412000, tzinfo=UTC)
ID = "20260314T031213-902-nfs-srv-2"
RUNBOOK = {  # kind -> how many seconds it takes, what it comes to
    StepKind.LAUNCH: (412.6, "instance ocid1.instance.oc1.ap-tokyo-1.anxhiljr4xqz"),
    StepKind.REACH: (71.3, "answers SSH at 10.0.0.12"),
    StepKind.POWER_OFF: (48.2, "instance is STOPPED"),
    StepKind.RELEASE: (6.1, "released: nothing exported, mounted, active or logged in"),
    StepKind.SWITCH: (38.4, "attached to nfs-srv-2: bv1 at 169.254.2.2:3260, bv2 at 169.254.2.3:3260"),
    StepKind.TAKE_OVER: (5.2, "2 sessions logged in; vg1 is active; mounted: /mnt/a; exported: /mnt/a"),
    StepKind.CLIENT: (3.8, "/mnt/nfs/a is mounted from nfs-srv-2; fstab line changed"),
}
FINDINGS = [
    ("active server", "nfs-srv-2 by Terraform"),
    ("volume bv1", "ATTACHED to nfs-srv-2"),
    ("volume bv2", "ATTACHED to nfs-srv-2"),
    ("server nfs-srv-2", "iscsi present, lvm present, filesystem present, nfs present"),
    ("client nfs-cli", "/mnt/nfs/a is mounted from nfs-srv-2"),
    ("terraform plan", "no changes"),
]
SERVER_LAYERS = [
    ("iscsi", 1.8, "2 sessions logged in"),
    ("lvm", 0.6, "vg1 is active: lv01"),
    ("filesystem", 1.1, "mounted: /mnt/a"),
    ("nfs", 0.9, "exported: /mnt/a to 10.0.0.0/16"),
]


def done(planned: bool = False) -> Events:
    """nfs-srv-1 is silent (or, `planned`, releases the volumes); nfs-srv-2 is launched and takes over."""
    plan = planner.make(usual(up=planned).observe("nfs-srv-2"))
    end = max(began + RUNBOOK[plan.step(name).kind][0] for name, began in starts(plan).items())
    return [
        start(plan),
        *steps(plan),
        at(end + 0.1, "verify-started"),
        at(
            end + 7.6,
            "verified",
            findings=[{"subject": s, "ok": True, "actual": f} for s, f in FINDINGS],
            second_plan_changes=0,
        ),
        at(end + 7.6, "run-done", outcome="done", active="nfs-srv-2"),
    ]


def killed(events: int = 6) -> Events:
    """The same run, of which only the first events reached the disk."""
    return done()[:events]


def failed(reason: str = "vg1: found 1 of 2 physical volumes") -> Events:
    """The take-over fails."""
    events = [e for e in done() if e["event"] != "step-done" or not e["step"].startswith("client")]
    cut = next(i for i, e in enumerate(events) if e.get("step") == "take-over nfs-srv-2") + 1
    ended = {"step": "take-over nfs-srv-2", "seconds": 5.2, "reason": reason}
    end = (datetime.fromisoformat(events[cut - 1]["at"]) - BEGAN).total_seconds() + 5.2
    ending = {"outcome": "failed", "reason": reason, "remedy": "run the same command again"}
    return [*events[:cut], at(end, "step-failed", **ended), at(end, "run-ended", **ending)]


def start(plan: Plan) -> dict[str, Any]:
    """The first event."""
    return at(
        6.8,
        "run-started",
        target=plan.target,
        steps=[s.name for s in plan.steps],
        notes=list(plan.notes),
        began=BEGAN.isoformat(),
        observe_seconds=4.6,
        plan=document.document(plan),
        clients="remount",
        site="/home/aiko/hpc/site.toml",
        active_file="terraform/active.auto.tfvars",
        user="aiko",
        host="ops-1",
        pid=4711,
        command="./inv failover --active nfs-srv-2",
        versions={
            "Python": "3.11.9",
            "Terraform": "1.9.8",
            "OCI SDK": "2.150.0",
            "hooks": "5b0c1d7e9a3f2468",
        },
    )


def steps(plan: Plan) -> Events:
    """Start and end of every step, in the order of their times, with the evidence of each."""
    events: Events = []
    begun = starts(plan)
    for step in plan.steps:
        begins, (seconds, message) = begun[step.name], RUNBOOK[step.kind]
        why = "/mnt/nfs/a is mounted from nfs-srv-1" if step.kind is StepKind.CLIENT else step.why
        events.append(at(begins, "step-started", step=step.name, why=why))
        ended = {"step": step.name, "seconds": seconds, "message": message, **evidence(step, begins)}
        events.append(at(begins + seconds, "step-done", **ended))
    return sorted(events, key=lambda e: e["at"])


def starts(plan: Plan) -> dict[str, float]:
    """When each step begins: as soon as those that it waits for have ended."""
    begins: dict[str, float] = {}
    for step in plan.steps:
        ends = [begins[a] + RUNBOOK[plan.step(a).kind][0] for a in step.after]
        begins[step.name] = max(ends, default=6.9)
    return begins


def evidence(step: Step, begins: float) -> dict[str, Any]:
    """What the step can show, made by the product's own Evidence, at a moment of that night."""
    kept = Evidence()
    name = step.subject
    if step.kind is StepKind.TAKE_OVER:
        kept.record_report(step, answer(name, "apply", PRESENT, SERVER_LAYERS))
    elif step.kind is StepKind.CLIENT:
        kept.record_report(
            step, answer(name, "apply", PRESENT, [("client", 2.9, "/mnt/nfs/a is from nfs-srv-2")])
        )
    elif step.kind is StepKind.RELEASE:
        kept.record_report(step, answer(name, "release", ABSENT, SERVER_LAYERS[::-1]))
        kept.record_fence(
            step,
            name,
            "its own check after the release",
            "iscsi absent, lvm absent, filesystem absent, nfs absent",
        )
    elif step.kind is StepKind.POWER_OFF:
        kept.record_fence(step, name, "the API (GetInstance after STOP)", "STOPPED")
    elif step.kind is StepKind.SWITCH:
        kept.record_fence(step, "nfs-srv-1", "the API (GetInstance before the detach)", "STOPPED")
    seconds, _ = RUNBOOK[step.kind]
    found = kept.of(step)
    moment = begins + 0.9 if step.kind is StepKind.SWITCH else begins + seconds
    for fence in found.get("fence", []):
        fence["at"] = (BEGAN + timedelta(seconds=moment)).isoformat()
    return found


def answer(host: str, action: str, state: str, layers: list[tuple[str, float, str]]) -> HookReport:
    """What the hooks say there."""
    made = tuple(Layer(name, state, True, seconds, message, {}) for name, seconds, message in layers)
    total = sum(seconds for _, seconds, _ in layers) + 0.1
    return HookReport(host, HookResult(action, "server", host, True, True, total, "", made))


def at(seconds: float, event: str, /, **details: Any) -> dict[str, Any]:
    """One event, that many seconds after the run began."""
    return {"at": (BEGAN + timedelta(seconds=seconds)).isoformat(), "event": event, **details}


def lines(events: Events) -> Iterator[str]:
    """journal.jsonl, line by line."""
    return (json.dumps(event) + "\n" for event in events)


EXAMPLES: dict[str, Callable[[], Events]] = {
    "done": done,
    "planned": lambda: done(planned=True),
    "killed": killed,
    "failed": failed,
}


if __name__ == "__main__":  # docs/reports.md
    Path(sys.argv[1]).write_text(page.html(read_run(ID, done())))
