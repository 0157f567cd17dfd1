"""What a person concludes from a run: how long the service was away, and what is left to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from failover.model import objective
from failover.model.duration import duration
from failover.model.objective import ObjectiveResult
from failover.model.outcome import Outcome
from failover.plan.model import LEFT_ALONE, StepKind
from failover.report.record import DONE, FAILED, KILLED, UNDER_WAY, RunRecord, StepRecord


def headline(run: RunRecord) -> str:
    """One sentence: how it ended."""
    took = duration(run.seconds)
    if run.outcome == Outcome.DONE.value:
        return f"{run.active or run.target} is the active server; everything was verified. It took {took}."
    if run.outcome == Outcome.CLIENTS_LEFT.value:
        return f"{run.active or run.target} serves, and was verified; clients are left. It took {took}."
    if run.outcome == KILLED:
        return (
            f"This run did not end: its journal stops after {took} without an end. "
            "Its process was killed, or its machine went down."
        )
    if run.outcome == UNDER_WAY:
        return f"This run has not ended yet; it began {took} before its latest entry."
    return f"The run stopped after {took}: {run.reason or 'no reason was recorded'}"


def outage(run: RunRecord) -> list[str]:
    """What is known of the outage: by what a client saw, where that was measured, and by the run itself."""
    return [*(f"As the client saw it: {line}." for line in run.observed), *_known(run)]


@dataclass(frozen=True)
class Away:
    """How long the service was away. `seconds`: None where the record ends before it was back.

    `begin`: seconds after the run began. `exact`: the run itself stopped the service; it may have been away
    for longer otherwise.
    """

    begin: float
    seconds: float | None
    since: str
    exact: bool


def away(run: RunRecord) -> Away | None:
    """How long the service was away, by the run alone; None when the run neither stopped nor restored it."""
    served = _first_served(run)
    released = _step(run, StepKind.RELEASE)
    if released and released.start is not None:
        begin, since = released.start, f"from the start of «{released.name}»"
    elif _step(run, StepKind.POWER_OFF) or _step(run, StepKind.CUT_OFF):
        begin, since = (
            0.0,
            "from the start of this run (the old server was silent already, so it began earlier)",
        )
    elif served:
        begin, since = (
            0.0,
            "from the start of this run (an earlier run or a person had stopped the service)",
        )
    else:
        return None
    return Away(begin, served.end - begin if served else None, since, released is not None)


def _known(run: RunRecord) -> list[str]:
    """What the run itself can know of the outage; clients may have seen it begin earlier."""
    service = away(run)
    if service is None:
        return ["This run did not stop the service, and did not restore it."]
    if service.seconds is None:
        return [f"Not over when this record ends: the service is away {service.since}."]
    least = "" if service.exact else "at least "
    judged = judged_outage(run)
    lines = [f"The service was away for {least}{duration(service.seconds)}, {service.since}."]
    lines += [
        f"{s.subject} had it back after {duration(s.end - service.begin)}."
        for s in _all(run, StepKind.CLIENT)
        if s.state == DONE
    ]
    return [*lines, f"{judged.line[0].upper()}{judged.line[1:]}."] if judged else lines


def judged_outage(run: RunRecord) -> ObjectiveResult | None:
    """The outage against the site's objective; None without one, or where there was no outage."""
    service = away(run)
    if run.objective_seconds is None or service is None or service.seconds is None:
        return None
    return objective.outage(service.seconds, run.objective_seconds, least=not service.exact)


def left_to_do(run: RunRecord) -> list[str]:
    """What a person still has to do, most urgent first."""
    left = []
    if run.outcome == KILLED:
        left.append(f"Run the same command again; it goes on from what it finds: {run.command}")
    elif run.remedy:
        left.append(f"{run.remedy[0].upper()}{run.remedy[1:]}.")
    left += [f"{f.subject} is not right: {f.actual}" for f in run.findings if not f.ok]
    left += [f"{run.hold}."] if run.hold else []
    left += [f"Look after this: {note}." for note in run.notes if LEFT_ALONE in note]
    if (switched := _step(run, StepKind.SWITCH)) and run.active_file:
        if switched.state == DONE:
            left.append(
                f"Commit {run.active_file}: it names {run.target}, so that no later apply flips it back."
            )
        elif switched.start is not None:
            left.append(f"Don't commit {run.active_file} yet: the switch to {run.target} was not completed.")
    unproven = {f.server: f.result for f in run.fences if not f.proven}
    left += [
        f"Power {name} off before anything else: {result}. Its writes no longer reach the volumes, but who "
        "still reaches it may read stale data."
        for name, result in unproven.items()
    ]
    for fence in (_step(run, StepKind.POWER_OFF), _step(run, StepKind.CUT_OFF)):
        name = fence.subject if fence and fence.state == DONE else ""
        if name and name not in unproven:
            left.append(f"{name} is powered off: find out why it was silent before it is used again.")
    return left


def side_by_side(run: RunRecord) -> list[str]:
    """Pairs of steps that were under way at the same time, e.g. "launch a beside power-off b"."""
    bars = [s for s in run.steps if s.start is not None]
    if sum(s.kind is StepKind.CLIENT for s in bars) > 1:  # they are side by side by nature
        bars = [s for s in bars if s.kind is not StepKind.CLIENT]
    return [
        f"{a.name} beside {b.name}"
        for i, a in enumerate(bars)
        for b in bars[i + 1 :]
        if min(a.end, b.end) - max(a.start or 0.0, b.start or 0.0) > 0.05  # seconds; less is a hand-over
    ]


def _first_served(run: RunRecord) -> StepRecord | None:
    """The step after which the service was there again."""
    took = _step(run, StepKind.TAKE_OVER)
    return took if took and took.state == DONE else None


def _step(run: RunRecord, kind: StepKind) -> StepRecord | None:
    return next((s for s in _all(run, kind) if s.state in (DONE, FAILED) or s.start is not None), None)


def _all(run: RunRecord, kind: StepKind) -> list[StepRecord]:
    return [s for s in run.steps if s.kind is kind]
