"""Many drills in one command: crash moment, mode, clients, the operator's own death are drawn from a seed."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lab.drill.drill import Choices, Drill
from lab.drill.failures import MODES
from lab.drill.kept import where
from lab.drill.result import DrillResult, show

# Seconds in which the operator's process may die: within a failover to a standby, and to a launched server.
_STANDBY_SECONDS, _LAUNCHED_SECONDS = 30.0, 80.0


def draw(source: random.Random) -> Choices:
    """One drill's choices. Most have a standby, which is quicker; each mode is as likely as the others."""
    standby = source.random() < 0.75
    within = _STANDBY_SECONDS if standby else _LAUNCHED_SECONDS
    killed = source.random() < 0.5
    mode = source.choice(MODES)
    return Choices(
        mode=mode,
        clients="reboot" if source.random() < 0.2 else "remount",
        standby=standby,
        failback=mode == "alive" and source.random() < 0.5,
        comeback=mode in ("hung", "unreachable") and source.random() < 0.25,
        after=round(source.uniform(0.0, 8.0), 1),
        kill_after=round(source.uniform(0.5, within), 1) if killed else None,
    )


def main(run: Path, count: int, seed: int, as_json: bool, jobs: int = 1) -> int:
    """Run `count` drills, `jobs` of them at a time; 0 only if every one of them really worked."""
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    chosen = draws(count, seed)
    with ThreadPoolExecutor(jobs) as pool:
        stories = pool.map(
            lambda number, choices: _one(run, number, choices, count, jobs > 1, console),
            range(1, count + 1),
            chosen,
        )
        drills = list(zip(chosen, stories, strict=True))
    _show(drills, seed, console)
    if as_json:
        sys.stdout.write(json.dumps(summary(drills, seed)) + "\n")
    sys.stdout.flush()
    return int(any(story.missing for _, story in drills))


def _one(
    run: Path, number: int, choices: Choices, count: int, to_file: bool, console: Console
) -> DrillResult:
    """One of the drills. `to_file`: its output goes to a file, because others run beside it."""
    # a directory each: what is kept of one that failed is not written over
    folder = run.with_name(f"{run.name}-{number}")
    log = folder.with_suffix(".log")
    place = f"; it is told in {log}" if to_file else ""
    console.print(f"drill {number} of {count}: {command(choices)}{place}", markup=False)
    with ExitStack() as stack:
        output = console
        if to_file:
            log.parent.mkdir(parents=True, exist_ok=True)
            output = Console(file=stack.enter_context(log.open("w")), soft_wrap=True, highlight=False)
        drill = Drill(folder, choices, output)
        story = drill.tell()
        if to_file:
            show(story, output)
    for line in (f"{story.outcome} {'; '.join(story.missing)}", *where(drill.kept)):
        console.print(f"drill {number} of {count}: {line}", markup=False)
    return story


def draws(count: int, seed: int) -> list[Choices]:
    """The choices of a soak: the same seed gives the same drills."""
    source = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    return [draw(source) for _ in range(count)]


def command(choices: Choices) -> str:
    """The command that runs this one drill again."""
    words = ["./inv drill"]
    for name, value in vars(choices).items():
        flag = f"--{name.replace('_', '-')}"
        if value != getattr(Choices(), name):
            words.append(flag if value is True else f"{flag} {value}")
    return " ".join(words)


def summary(drills: list[tuple[Choices, DrillResult]], seed: int) -> dict[str, Any]:
    """The soak as JSON-ready values: "seed"; "drills": "command" and the keys of `DrillResult.document`; and
    numbers over all drills: "done", "failed", "records_acknowledged", "records_lost", "attached_twice"."""
    stories = [story for _, story in drills]
    return {
        "seed": seed,
        "drills": [{"command": command(c), **s.document()} for c, s in drills],
        "done": sum(s.outcome == "done" for s in stories),
        "failed": sum(s.outcome != "done" for s in stories),
        "records_acknowledged": sum(s.records_acknowledged or 0 for s in stories),
        "records_lost": sum(s.records_lost or 0 for s in stories),
        "attached_twice": sum(s.attached_twice for s in stories),
    }


def _show(drills: list[tuple[Choices, DrillResult]], seed: int, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("drill", "outcome", "failover s", "outage s", "records", "lost"):
        table.add_column(name, no_wrap=True)
    for choices, story in drills:
        first = story.document()
        figures = (first["failover_seconds"], first["outage_seconds"])
        cells = [f"{x:.0f}" if x is not None else "-" for x in figures]
        records = (str(story.records_acknowledged), str(story.records_lost))
        table.add_row(command(choices).removeprefix("./inv drill "), story.outcome, *cells, *records)
    console.print(table)
    totals = summary(drills, seed)
    outcomes = ", ".join(f"{n} {o}" for o, n in Counter(s.outcome for _, s in drills).items())
    console.print(
        f"seed {seed}: {outcomes}; {totals['records_acknowledged']} records acknowledged, "
        f"{totals['records_lost']} lost; volumes attached twice: {totals['attached_twice']}"
    )
