"""The runs of a site on disk: which there are, and one of them by its name or the end of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from failover.model.outcome import Outcome, Usage
from failover.report.journal_reader import read_run
from failover.report.record import RunRecord
from failover.runs import journal, site_lock
from failover.runs.events import Event

LATEST = "latest"
_SERVED = (Outcome.DONE.value, Outcome.CLIENTS_LEFT.value)


def load(folder: Path) -> RunRecord:
    """The run in this folder, by its journal alone if need be."""
    events = journal.read(folder)
    start = next((e for e in events if e["event"] == Event.RUN_STARTED), {})
    run = read_run(folder.name, events, _document(folder), under_way=_holds_lock(folder, start.get("pid")))
    return replace(run, observed=_observed(folder))


def folders(runs: Path) -> list[Path]:
    """Every run's folder, oldest first."""
    return sorted(p.parent for p in runs.glob("*/journal.jsonl"))


def find(runs: Path, name: str) -> Path:
    """The folder of the run of this id, an unambiguous part of it, or `latest`; raises Usage."""
    known = folders(runs)
    matching = known[-1:] if name == LATEST else [p for p in known if p.name == name]
    matching = matching or [p for p in known if name in p.name]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(p.name for p in matching) or "none"
    raise Usage(
        f"run {name!r}: found {names}, expected one in {runs}",
        "`./inv runs` lists them; `latest` is the newest",
    )


def unfinished(runs: Path) -> str:
    """The target of the newest run where that did not end well, also of one that was killed; "" for none."""
    newest = [load(folder) for folder in folders(runs)[-1:]]
    return "".join(run.target for run in newest if run.outcome not in _SERVED)


def _document(folder: Path) -> dict[str, Any] | None:
    """report.json, which a killed run has not, or only a part of."""
    try:
        document: dict[str, Any] = json.loads((folder / "report.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return document


def _observed(folder: Path) -> tuple[str, ...]:
    """The lines of observed.json, a list of texts, where there is one."""
    try:
        lines = json.loads((folder / "observed.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return ()
    return tuple(str(line) for line in lines) if isinstance(lines, list) else ()


def _holds_lock(folder: Path, pid: object) -> bool:
    holder = site_lock.holder(folder.parent)
    return holder is not None and pid is not None and holder.get("pid") == pid
