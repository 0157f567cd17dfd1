"""Slurm's nodes: those that are drained because of a mount that this program has mended since are resumed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from failover.clients import choose
from failover.clients.lists import Named
from failover.model import nodeset
from failover.model.outcome import Failed, Usage
from failover.model.site import Client
from failover.plan.model import StepKind
from failover.runs import journal
from failover.runs.events import REBOOTED, Event

_SECONDS = 60.0
# -a: hidden partitions too; the reason stands last, for it may hold anything
_SINFO = ["sinfo", "-a", "-h", "-N", "-o", "%N|%o|%T|%H|%E"]
_DRAIN = re.compile(r"(drained|draining)\W*$")
_MOUNT = re.compile(r"(?<![\w/])nfs|\bstale file handle\b|\bcheck_fs_(mount|used|free|inodes)", re.IGNORECASE)
_UNEXPECTED = re.compile(r"unexpectedly rebooted", re.IGNORECASE)


@dataclass(frozen=True)
class DrainedNode:
    """A node of Slurm that takes no job. `since`: when it was drained, in local time; None: not known."""

    name: str
    address: str
    state: str
    since: datetime | None
    reason: str


@dataclass(frozen=True)
class Cure:
    """When a client was brought over, in local time, and by a reboot or not."""

    at: datetime
    rebooted: bool


@dataclass(frozen=True)
class Resumption:
    """`nodes`: to be resumed. `kept`: others of the site's clients that are drained, and why they stay so."""

    nodes: tuple[DrainedNode, ...]
    kept: Mapping[str, str]


def drained(text: str) -> list[DrainedNode]:
    """The drained and down nodes in the output of `sinfo -a -h -N -o %N|%o|%T|%H|%E`, each once."""
    nodes: dict[str, DrainedNode] = {}
    for line in text.splitlines():
        name, address, state, since, reason = ([*line.split("|", 4), *[""] * 5])[:5]
        if _DRAIN.match(state) or state.startswith("down"):
            nodes.setdefault(name, DrainedNode(name, address, state, _time(since), reason.strip()))
    return list(nodes.values())


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        return None


def cures(runs: Path, since: datetime) -> dict[str, Cure]:
    """The latest time at which a run brought each client over, of runs whose journal was written `since`."""
    latest: dict[str, Cure] = {}
    for file in sorted(runs.glob("*/journal.jsonl")):
        if file.stat().st_mtime < since.timestamp():
            continue
        for event in journal.read(file.parent):
            kind, _, name = str(event.get("step", "")).partition(" ")
            if event.get("event") == Event.STEP_DONE and kind == StepKind.CLIENT.value:
                at = datetime.fromisoformat(str(event["at"])).astimezone()
                latest[name] = Cure(at, str(event.get("message", "")).startswith(REBOOTED))
    return latest


def resumption(
    nodes: Iterable[DrainedNode], clients: Sequence[Client], cured: Mapping[str, Cure]
) -> Resumption:
    """Which of these nodes are clients that were brought over after they were drained for a mount's sake."""
    resumed: list[DrainedNode] = []
    kept: dict[str, str] = {}
    for node in nodes:
        chosen = choose.choose(clients, [Named(node.name, node.address, "sinfo")]).clients
        if not chosen:
            continue
        why = _objection(node, chosen[0], cured.get(chosen[0].name))
        if why:
            kept[node.name] = why
        else:
            resumed.append(node)
    return Resumption(tuple(resumed), kept)


def _objection(node: DrainedNode, client: Client, cure: Cure | None) -> str:
    """Why this node is not resumed; empty when it is."""
    what = f"{node.state} since {node.since:%Y-%m-%d %H:%M:%S}" if node.since else node.state
    if cure is None:
        return f"{what} ({node.reason}): no run has brought it over since"
    if node.since is None or node.since > cure.at:
        return f"{what} ({node.reason}): it was brought over before, at {cure.at:%Y-%m-%d %H:%M:%S}"
    if cure.rebooted and _UNEXPECTED.search(node.reason):
        return ""
    if node.state.startswith("down"):
        return f"{what} ({node.reason}): Slurm does not reach it, or it was taken down; look at slurmd"
    if not _of_a_mount(node.reason, client):
        return f"{what} ({node.reason}): not a mount's reason"
    return ""


def _of_a_mount(reason: str, client: Client) -> bool:
    points = "|".join(re.escape(mount.mount.rstrip("/")) for mount in client.mounts)
    named = points and re.search(rf"(?<![\w/.-])({points})(?![\w.-])", reason)
    return bool(named or _MOUNT.search(reason))


class Slurm:
    """The controller, through its own commands on this machine."""

    def drained(self) -> list[DrainedNode]:
        """Every node that takes no job. Raises Usage without sinfo, Failed where it fails."""
        return drained(_run(_SINFO))

    def resume(self, names: Sequence[str]) -> None:
        """Resume these nodes. Raises Usage, Failed."""
        _run(["scontrol", "update", f"nodename={nodeset.folded(names)}", "state=resume"])


def resume(slurm: Slurm, runs: Path, clients: Sequence[Client]) -> Iterator[str]:
    """Resume what is to be resumed; a line for each thing that was done, or left. Raises Usage, Failed."""
    nodes = slurm.drained()
    known = [node.since for node in nodes if node.since]
    cured = cures(runs, min(known)) if known else {}
    wanted = resumption(nodes, clients, cured)
    if wanted.nodes:
        names = [node.name for node in wanted.nodes]
        slurm.resume(names)
        yield f"slurm: resumed {nodeset.folded(names)}"
        left = {node.name for node in slurm.drained()} & set(names)
        if left:
            raise Failed(f"slurm: still drained: {nodeset.folded(left)}", "look at `sinfo -R`")
    for names, why in nodeset.grouped(wanted.kept.items()):
        yield f"slurm: left as it is: {nodeset.folded(names)}: {why}"
    if not wanted.nodes and not wanted.kept:
        yield "slurm: none of these clients is drained or down"


def _run(argv: list[str]) -> str:
    environment = {**os.environ, "SLURM_TIME_FORMAT": "standard"}  # a login may have another one
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            errors="replace",  # a reason is anybody's text
            timeout=_SECONDS,
            check=False,
            env=environment,
        )
    except FileNotFoundError as error:
        raise Usage(
            f"{argv[0]}: command not found here", "run it on a machine that has Slurm's commands"
        ) from error
    except OSError as error:
        raise Usage(f"{argv[0]}: {error.strerror}", "look at that file's mode and at the PATH") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(
            f"`{' '.join(argv)}` did not end within {_SECONDS:.0f} s", "look at slurmctld"
        ) from error
    if done.returncode:
        raise Failed(
            f"`{' '.join(argv)}` ended with {done.returncode}: {done.stderr.strip()}", "look at Slurm"
        )
    return done.stdout
