"""Journal events, and the report's document where there is one, to a RunRecord: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from failover.model.finding import Finding
from failover.model.outcome import Outcome
from failover.report.record import (
    CUT_OFF,
    DONE,
    FAILED,
    KILLED,
    NOT_STARTED,
    UNDER_WAY,
    FenceRecord,
    HooksRecord,
    LayerRecord,
    RunRecord,
    StepRecord,
)
from failover.runs.events import RUN_ENDS, Event

Entry = Mapping[str, Any]  # one line of the journal
_EPOCH = datetime.fromtimestamp(0, UTC)


def read_run(
    run_id: str, events: Sequence[Entry], document: Mapping[str, Any] | None = None, under_way: bool = False
) -> RunRecord:
    """The record of a run. Journals of killed runs (no end, no document) and empty ones do as well.

    `under_way`: its process still holds the site's lock, so that a missing end does not mean a kill.
    """
    start = next((e for e in events if e["event"] == Event.RUN_STARTED), {})
    first = _at(events[0]) if events else _EPOCH
    began = datetime.fromisoformat(start["began"]) if "began" in start else first
    end = next((e for e in events if e["event"] in RUN_ENDS), None)
    ending = {**(document or {}), **_ending(end, under_way)}
    last = _at(events[-1]) if events else began
    names = [*start.get("steps", []), *_unplanned(events, start)]
    mine: dict[str, dict[str, Entry]] = {}
    for event in events:
        mine.setdefault(event.get("step", ""), {})[event["event"]] = event
    planned = {s["name"]: s for s in start.get("plan", {}).get("steps", [])}
    clock = _Clock(began, last, under_way and end is None)
    steps = tuple(_step(name, mine.get(name, {}), planned.get(name, {}), clock) for name in names)
    return RunRecord(
        id=run_id,
        target=start.get("target", ending.get("target", "unknown")),
        active=ending.get("active"),
        loser=start.get("plan", {}).get("loser"),
        outcome=ending["outcome"],
        reason=ending.get("reason", ""),
        remedy=ending.get("remedy", ""),
        began=began,
        seconds=(last - began).total_seconds(),
        user=start.get("user", "unknown"),
        host=start.get("host", "unknown"),
        command=start.get("command", f"./inv failover --active {start.get('target', '')}".strip()),
        clients=start.get("clients", "unknown"),
        site=start.get("site", "unknown"),
        active_file=start.get("active_file", "active.auto.tfvars"),
        versions=start.get("versions", {}),
        observe=_observe(start),
        steps=steps,
        verify=_verify(events, began, last, under_way),
        notes=tuple(start.get("notes", ending.get("notes", ()))),
        fences=tuple(_fences(events)),
        findings=_findings(events, ending),
        evidence=tuple(start.get("plan", {}).get("evidence", ())),
        objective_seconds=start.get("objective_seconds"),
        hold=str((end or start).get("hold", start.get("hold", ""))),
    )


def _ending(end: Entry | None, under_way: bool) -> dict[str, Any]:
    if end is None:
        return {"outcome": UNDER_WAY if under_way else KILLED}
    ending = {key: end[key] for key in ("outcome", "active", "reason", "remedy") if key in end}
    outcome = Outcome.DONE if end["event"] == Event.RUN_DONE else Outcome.UNKNOWN
    return {"outcome": outcome.value, **ending}


def _unplanned(events: Sequence[Entry], start: Entry) -> list[str]:
    """Steps that ran although the start does not name them: a journal may have lost its head."""
    planned = set(start.get("steps", []))
    return list(dict.fromkeys(e["step"] for e in events if "step" in e and e["step"] not in planned))


@dataclass(frozen=True)
class _Clock:
    """When the run began, when its newest event was, and whether it goes on."""

    began: datetime
    last: datetime
    under_way: bool


def _step(name: str, mine: Mapping[str, Entry], planned: Entry, clock: _Clock) -> StepRecord:
    began = clock.began
    expected = planned.get("expected_seconds")
    started = mine.get(Event.STEP_STARTED)
    ended = mine.get(Event.STEP_DONE) or mine.get(Event.STEP_FAILED)
    why = (started or planned).get("why", "")
    if started is None and ended is None:
        return StepRecord(name, why, NOT_STARTED, expected_seconds=expected)
    if ended is None:
        at = _since(began, started or {})
        seconds = max((clock.last - began).total_seconds(), 0.0) - at
        state = UNDER_WAY if clock.under_way else CUT_OFF
        return StepRecord(name, why, state, at, seconds, expected_seconds=expected)
    seconds = float(ended["seconds"])
    return StepRecord(
        name=name,
        why=why,
        state=DONE if Event.STEP_DONE in mine else FAILED,
        start=_since(began, started) if started else _since(began, ended) - seconds,
        seconds=seconds,
        message=ended.get("message", ended.get("reason", "")),
        expected_seconds=expected,
        hooks=tuple(_hooks(name, ended)),
    )


def _hooks(step: str, ended: Entry) -> list[HooksRecord]:
    return [
        HooksRecord(step, host, action, answer["seconds"], tuple(_layers(answer)))
        for host, actions in ended.get("hooks", {}).items()
        for action, answer in actions.items()
    ]


def _layers(answer: Mapping[str, Any]) -> list[LayerRecord]:
    return [
        LayerRecord(layer, entry["seconds"], entry["state"], entry["message"])
        for layer, entry in answer["layers"].items()
    ]


def _observe(start: Entry) -> StepRecord | None:
    if "observe_seconds" not in start:
        return None
    why = "a plan is made of what is seen, not of what is assumed"
    return StepRecord("observe", why, DONE, 0.0, float(start["observe_seconds"]))


def _verify(events: Sequence[Entry], began: datetime, last: datetime, under_way: bool) -> StepRecord | None:
    moments = {e["event"]: e for e in events}
    if Event.VERIFY_STARTED not in moments:
        return None
    why = "a step's own success is not a proof"
    start = _since(began, moments[Event.VERIFY_STARTED])
    if Event.VERIFIED not in moments:
        state, end = (UNDER_WAY if under_way else CUT_OFF), (last - began).total_seconds()
        return StepRecord("verify", why, state, start, end - start)
    end = _since(began, moments[Event.VERIFIED])
    findings = moments[Event.VERIFIED].get("findings", [])
    right = bool(findings) and all(f["ok"] for f in findings)
    return StepRecord("verify", why, DONE if right else FAILED, start, end - start)


def _fences(events: Sequence[Entry]) -> list[FenceRecord]:
    return [
        FenceRecord(f["server"], e["step"], f["source"], _result(f), datetime.fromisoformat(f["at"]))
        for e in events
        for f in e.get("fence", [])
    ]


def _result(fence: Mapping[str, Any]) -> str:
    return str(fence["result"] if "result" in fence else fence["said"])  # journals of older runs: `said`


def _findings(events: Sequence[Entry], ending: Mapping[str, Any]) -> tuple[Finding, ...]:
    written = next(
        (e["findings"] for e in events if e["event"] == Event.VERIFIED), ending.get("verified", [])
    )
    return tuple(Finding(f["subject"], f["ok"], _actual(f), client=f.get("client", False)) for f in written)


def _actual(finding: Mapping[str, Any]) -> str:
    return str(finding["actual"] if "actual" in finding else finding["found"])  # older runs: `found`


def _at(event: Entry) -> datetime:
    return datetime.fromisoformat(event["at"])


def _since(began: datetime, event: Entry) -> float:
    return max((_at(event) - began) / timedelta(seconds=1), 0.0)
