"""What a run came to: the timeline as a person reads it, and the same as one JSON object."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from failover.model.finding import Finding
from failover.model.observation import Observation
from failover.model.outcome import FailoverError, Outcome
from failover.model.resource_change import Change
from failover.model.switch_record import Switched
from failover.model.timeline import Phase
from failover.plan import document as plan_document
from failover.plan.forecast import Forecast
from failover.plan.model import Plan


@dataclass
class Report:
    """The end of one run. Seconds are wall time; `second_plan_changes` is None when it was not reached.

    `verb` is what was asked for: failover, plan or verify. `folder` is the run's, None when it never acted;
    `runs` is the site's folder of runs, None before the site was read.
    A pull request's plan is written from `observation`, `switched` (the last switch before this run) and
    `changes` (Terraform's; None when it was not asked). `forecast`: of the plan, before it is done.
    """

    target: str
    verb: str = "failover"
    outcome: Outcome = Outcome.UNKNOWN
    active: str | None = None
    run: str | None = None
    reason: str = ""
    remedy: str = ""
    notes: tuple[str, ...] = ()
    phases: list[Phase] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    second_plan_changes: int | None = None
    seconds: float = 0.0
    plan: Plan | None = None
    folder: Path | None = None
    observation: Observation | None = None
    switched: Switched | None = None
    changes: tuple[Change, ...] | None = None
    runs: Path | None = None
    forecast: Forecast | None = None

    def ended(self, error: FailoverError) -> None:
        """Take over how the run ended, why, and what to do."""
        self.outcome, self.reason, self.remedy = error.outcome, error.reason, error.remedy

    def document(self) -> dict[str, Any]:
        """The report as JSON-ready values; every `seconds` is wall time.

        "outcome", "active", "target", "run", "reason" and "remedy" are texts, or None; "notes" a list of
        texts; "plan" as failover/plan/document.py has it; "forecast": "seconds", "outage_seconds", "steps"
        (seconds by name), "measured" and "source"; "phases": "name" and "seconds" of each; "verified":
        "subject", "ok", "actual" and "client" of each; "second_plan_changes": a number; "seconds": the run's.
        """
        return {
            "outcome": self.outcome.value,
            "active": self.active,
            "target": self.target,
            "run": self.run,
            "reason": self.reason,
            "remedy": self.remedy,
            "notes": list(self.notes),
            "plan": plan_document.document(self.plan) if self.plan else None,
            "forecast": _forecast(self.forecast),
            "phases": [{"name": p.name, "seconds": round(p.seconds, 3)} for p in self.phases],
            "verified": [
                {"subject": f.subject, "ok": f.ok, "actual": f.actual, "client": f.client}
                for f in self.findings
            ],
            "second_plan_changes": self.second_plan_changes,
            "seconds": round(self.seconds, 3),
        }


def _forecast(forecast: Forecast | None) -> dict[str, Any] | None:
    if forecast is None:
        return None
    return {
        "seconds": round(forecast.seconds, 1),
        "outage_seconds": None if forecast.outage is None else round(forecast.outage, 1),
        "steps": {name: round(seconds, 1) for name, seconds in forecast.steps.items()},
        "measured": dict(forecast.measured),
        "source": forecast.source,
    }
