"""Earlier runs of `invoke image` by their journals: which one was cut off, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from failover.runs import journal
from failover.runs.events import RUN_ENDS, Event

FOLDER = "image"  # below the site's runs: what lies there is no failover


@dataclass(frozen=True)
class CutOff:
    """A run without an end. `step`: the one that it was in, or had done last; `server`: whose image it was.

    `is_quiesced`: it stopped the service, or was about to.
    """

    run: str
    step: str
    server: str = ""
    is_quiesced: bool = False


def cut_off(runs: Path) -> CutOff | None:
    """The newest run if it has no end in its journal: its operator's process was killed."""
    folders = sorted(path.parent for path in (runs / FOLDER).glob("*/journal.jsonl"))
    if not folders:
        return None
    events = journal.read(folders[-1])
    if events and events[-1]["event"] in RUN_ENDS:
        return None
    steps = [str(one["step"]) for one in events if one["event"] in (Event.STEP_STARTED, Event.STEP_DONE)]
    begun = next((one for one in events if one["event"] == Event.RUN_STARTED), {})
    return CutOff(
        folders[-1].name,
        steps[-1] if steps else "its beginning",
        str(begun.get("target", "")),
        begun.get("quiesce") is True,
    )
