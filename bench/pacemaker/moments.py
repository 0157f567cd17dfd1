"""When what happened in a takeover, from the records that each way leaves; pure. Seconds since 1970."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from lab.system.errors import HardwareError

_FENCES = ("power-off ", "cut-off ")
_TAKE_OVER = "take-over "
# "Nov 27 16:01:02.345 nfs-srv-2 pacemaker-controld  [812] (tengine_stonith_notify) notice: ..."
_STAMP = re.compile(r"^([A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d(?:\.\d+)?) ")
_TERMINATED = r"Peer {peer} was terminated \(\w+\) by .*: OK"
_START = r"Initiating start operation \S+_start_0"


@dataclass(frozen=True)
class ProbeCall:
    """One call at the service's address: when it began and ended, and whether it was answered."""

    began: float
    ended: float
    answered: bool


@dataclass(frozen=True)
class Takeover:
    """One takeover. cut: the power of the serving server is cut. fenced: it is proven off. began: the first
    action on the target. served: the first call at the service's address is answered. cpu: processor seconds
    of the target's guest from the fence to the first served call. load: the machine's load average then.
    stall: seconds for which a writer with a lock stood still; resumed: when it went on; None without one.
    parts: names and seconds of what the way itself has a record of."""

    way: str
    target: str
    cut: float
    fenced: float
    began: float
    served: float
    cpu: float = 0.0
    load: float = 0.0
    stall: float | None = None
    resumed: float | None = None
    parts: tuple[tuple[str, float], ...] = ()

    @property
    def after_fence(self) -> float:
        """Seconds from the fence to the first served call."""
        return self.served - self.fenced

    @property
    def on_target(self) -> float:
        """Seconds from the first action on the target to the first served call."""
        return self.served - self.began

    @property
    def after_cut(self) -> float:
        """Seconds from the power cut to the first served call: what a client without a lock waits for."""
        return self.served - self.cut

    @property
    def after_service(self) -> float | None:
        """Seconds from the first served call until the writer with a lock goes on."""
        return None if self.resumed is None else self.resumed - self.served

    def document(self) -> dict[str, Any]:
        """As JSON-ready values, seconds rounded to hundredths."""
        figures = {
            "after_fence": self.after_fence,
            "on_target": self.on_target,
            "after_cut": self.after_cut,
            "cpu": self.cpu,
            "stall": self.stall,
            "after_service": self.after_service,
            "load": self.load,
        }
        rounded = {name: None if x is None else round(x, 2) for name, x in figures.items()}
        return {
            "way": self.way,
            "target": self.target,
            **rounded,
            "parts": [[n, round(s, 2)] for n, s in self.parts],
        }


def of_journal(events: Iterable[Mapping[str, Any]]) -> tuple[float, float, tuple[tuple[str, float], ...]]:
    """Of a run's journal: when the holder was proven off, when the takeover on the target began, and the
    seconds of the steps from the fence on, with the takeover's layers.

    Raises HardwareError for a run without one of them.
    """
    fenced: float | None = None
    began: float | None = None
    parts: list[tuple[str, float]] = []
    for event in events:
        step = str(event.get("step", ""))
        if event["event"] == "step-started" and step.startswith(_TAKE_OVER):
            began = _instant(event["at"])
        if event["event"] != "step-done":
            continue
        if step.startswith(_FENCES):
            fenced = max(_instant(fence["at"]) for fence in event["fence"])
        else:
            parts.append((step, event["seconds"]))
        parts += _layers(event) if step.startswith(_TAKE_OVER) else []
    if fenced is None or began is None:
        raise HardwareError("the run's journal has no power-off or no take-over that was done")
    return fenced, began, tuple(parts)


def of_log(text: str, peer: str, year: int, ahead: float) -> tuple[float, float]:
    """Of the new server's pacemaker.log: when the fence of `peer` was confirmed, and the first start
    after it.

    `year`: the log names none. `ahead`: seconds by which that guest's clock is ahead of ours; it runs in UTC.
    Raises HardwareError for a log without them.
    """
    lines = text.splitlines()
    fence = _last(lines, re.compile(_TERMINATED.format(peer=re.escape(peer))))
    if fence is None:
        raise HardwareError(f"pacemaker.log does not say that {peer} was terminated")
    start = next((n for n in range(fence, len(lines)) if re.search(_START, lines[n])), None)
    if start is None:
        raise HardwareError(f"pacemaker.log has no start of a resource after the fence of {peer}")
    return stamp(lines[fence], year) - ahead, stamp(lines[start], year) - ahead


def stamp(line: str, year: int) -> float:
    """When a line of pacemaker.log was written. Raises HardwareError for a line without its time."""
    match = _STAMP.match(line)
    if match is None:
        raise HardwareError(f"no time at the beginning of this line of pacemaker.log: {line[:80]!r}")
    form = "%Y %b %d %H:%M:%S.%f" if "." in match[1] else "%Y %b %d %H:%M:%S"
    return datetime.strptime(f"{year} {match[1]}", form).replace(tzinfo=UTC).timestamp()


def first_after(calls: Iterable[ProbeCall], cut: float, moment: float) -> float | None:
    """When the first answer came after this moment, to a call that began after the power cut.

    What the old server answered in its last moment may be noted later than its end.
    """
    ends = (call.ended for call in calls if call.answered and call.began > cut and call.ended > moment)
    return min(ends, default=None)


def stall(times: Sequence[float], cut: float) -> tuple[float, float] | None:
    """Of a writer's acknowledgements: (the gap around `cut`, the first acknowledgement after it).

    None when there is none on one side. An acknowledgement may still have come just after the cut: what
    counts is the longest gap that ends after it.
    """
    gaps = [(later - earlier, later) for earlier, later in pairwise(times) if later > cut]
    return max(gaps) if gaps else None


def medians(takeovers: Iterable[Takeover], way: str) -> dict[str, float]:
    """The way's medians by figure; empty where it has no takeover."""
    own = [one for one in takeovers if one.way == way]
    if not own:
        return {}
    figures = ("after_fence", "on_target", "after_cut", "cpu")
    return {name: statistics.median(getattr(one, name) for one in own) for name in figures}


def ratio(of: Mapping[str, float], to: Mapping[str, float], figure: str) -> float | None:
    """One way's median through another's; None where one of them was not measured."""
    return of[figure] / to[figure] if of and to else None


def _layers(event: Mapping[str, Any]) -> list[tuple[str, float]]:
    applied = [actions["apply"] for actions in event.get("hooks", {}).values() if "apply" in actions]
    return [(f"- {name}", layer["seconds"]) for one in applied for name, layer in one["layers"].items()]


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _last(lines: Sequence[str], pattern: re.Pattern[str]) -> int | None:
    return next((n for n in range(len(lines) - 1, -1, -1) if pattern.search(lines[n])), None)
