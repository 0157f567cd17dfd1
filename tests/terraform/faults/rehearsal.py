"""Failovers that meet faults, on whole sites kept by a few processes; what each came to, for the table.

A site is used again and again: it is put into a row's scene, meets the fault, and then the same command, with
the fault cleared, must end done. Rows whose run changes nothing at all are met one after the other in one
scene, and proven to have left it as it was; then one run that ends done speaks for all of them.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any

from tests.terraform.faults.kinds import faults_of, next_fault
from tests.terraform.faults.rows import Row, Scene
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

PROCESSES = 3
MEETING_SECONDS = 60.0
SERVICE_IP = "10.0.0.200"
# One call is given up after 2 s; every other wait is so long that only what never ends meets its end.
PATIENT = {
    "boot": 40,
    "power": 40,
    "launch": 60,
    "switch": 60,
    "hooks": 20,
    "client": 20,
    "api": 2,
    "interrupt": 1,
}
HASTY = {
    "LaunchInstance": {"launch": 4},
    "InstanceAction STOP": {"power": 3},
    "InstanceAction START": {"power": 3},
    "DetachVolume": {"switch": 4},
    "AttachVolume": {"switch": 4},
}


@dataclass(frozen=True)
class Met:
    """What a run came to that met a fault, and what it left; `wrong` is empty when nothing speaks against it.

    `reason`: of a run that ended done, its notes. `left`: who holds the volumes; `serves`: who serves; both
    by role, "old" and "target".
    """

    outcome: str
    reason: str
    remedy: str
    left: str
    serves: str
    wrong: tuple[str, ...]
    seconds: float


def begin(rows: Sequence[Row], folder: Path, pool: ProcessPoolExecutor) -> dict[str, Future[dict[str, Met]]]:
    """By row: the future of its batch."""
    futures = {}
    for batch in batches(rows):
        future = pool.submit(_meet_all, folder, batch)
        futures.update(dict.fromkeys((row.id for row in batch), future))
    return futures


def make_pool() -> ProcessPoolExecutor:
    """Processes of their own: each replaces SSH for itself, and keeps a lab until it ends."""
    return ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"))


def batches(rows: Sequence[Row], most: int = 12) -> list[list[Row]]:
    """Rows that change nothing in batches of one scene; each other row by itself."""
    made = []
    for scene in Scene:
        harmless = [r for r in rows if r.harmless and r.scene is scene]
        made += [harmless[i : i + most] for i in range(0, len(harmless), most)]
    return made + [[r] for r in rows if not r.harmless]


_kept: dict[str, Any] = {}


def _site(folder: Path, fresh: bool) -> WholeSite:
    """This process's site; another one when the last row left it in no state to go on with."""
    if fresh and "stack" in _kept:
        _kept.pop("stack").close()
    if "stack" not in _kept:
        stack = ExitStack()
        Finalize(stack, stack.close, exitpriority=1)
        made = Path(tempfile.mkdtemp(dir=folder))
        _kept.update(stack=stack, site=stack.enter_context(whole_site(made, SERVICE_IP)))
    site: WholeSite = _kept["site"]
    return site


def _meet_all(folder: Path, batch: Sequence[Row]) -> dict[str, Met]:
    rehearsal = _arranged(folder, batch[0].scene)
    met = {row.id: rehearsal.meet(row) for row in batch}
    after = rehearsal.go_on()
    return {name: _with(one, after) for name, one in met.items()}


def _with(met: Met, wrong: Sequence[str]) -> Met:
    return Met(**{**vars(met), "wrong": (*met.wrong, *wrong)})


def _arranged(folder: Path, scene: Scene) -> Rehearsal:
    try:
        return Rehearsal(_site(folder, fresh=False), scene)
    except Exception:  # noqa: BLE001 - whatever an earlier row broke, and has told of
        return Rehearsal(_site(folder, fresh=True), scene)


def _deadlines(other: Mapping[str, int] = MappingProxyType({})) -> str:
    return "".join(f"{name} = {seconds}\n" for name, seconds in {**PATIENT, **other}.items())


class Rehearsal:
    """One site in one scene. AssertionError when it could not be brought there."""

    def __init__(self, site: WholeSite, scene: Scene) -> None:
        self._site = site
        site.cloud.clear_faults()
        site.wait_at_most(_deadlines())
        site.silence()
        self.old = site.serving()
        site.assert_settled_on(self.old)
        if scene in (Scene.LAUNCH, Scene.KEYLESS) and self.old != FIRST:
            self._move(FIRST)
        if scene is not Scene.LAUNCH and SECOND not in site.instances():
            self._move(SECOND)
            if scene is Scene.KEYLESS:
                self._move(FIRST)
        self.target = SECOND if self.old == FIRST else FIRST
        if scene is Scene.LAUNCH:
            site.forget_second()
            site.stack.apply()
        elif site.model.state(site.instances()[self.target]) == "RUNNING":
            site.cloud.power_off(site.instances()[self.target])
        if scene is not Scene.PLANNED:
            site.silence(self.old)
        if scene is Scene.KEYLESS:
            self._lose_key()

    def _lose_key(self) -> None:
        """The target runs, the old server is off, and the target's host key is not known yet."""
        (self._site.file.parent / "runs" / "known_hosts").unlink()
        self._site.cloud.inject(**faults_of("CaptureConsoleHistory", "401"))
        self._site.fail_over(self.target)
        self._site.cloud.clear_faults()

    def _move(self, target: str) -> None:
        self._site.silence(self._site.serving())
        report, said = self._site.fail_over(target)
        assert report.outcome.value == "done", said
        self._site.silence()
        self._site.assert_settled_on(target)
        self.old = target

    def meet(self, row: Row) -> Met:
        """The run that meets the row's fault."""
        site = self._site
        site.serving()  # the hosts learn what has become of the cloud
        before = self._place()
        site.wait_at_most(_deadlines(HASTY[row.operation] if row.hasty else {}))
        if row.kind == "blind":
            site.see_nothing(self.target)
        else:
            site.cloud.inject(**faults_of(row.operation, row.kind))
        if then := next_fault(row.operation, row.kind):
            Thread(target=self._inject_next, args=(then,), daemon=True).start()
        start = time.monotonic()
        wrong = []
        outcome, reason, remedy, said = self._run()
        seconds = time.monotonic() - start
        left, serves = self._by_role(site.left()), self._by_role(site.serving())
        if outcome in ("done", "nothing-to-do"):
            wrong += self._wrong("silent success", lambda: site.assert_settled_on(self.target))
        wrong += self._wrong("double", site.assert_never_double)
        if "Traceback" in said:
            wrong.append(said)
        site.cloud.clear_faults()
        site.see_nothing()
        if row.harmless and (after := self._place()) != before:
            wrong.append(f"it changed something: {before} became {after}")
        return Met(outcome, reason, remedy, left, serves, tuple(wrong), seconds)

    def _inject_next(self, fault: dict[str, Any]) -> None:
        """When the calls have met their fault, which holds their answers back for a second."""
        deadline = time.monotonic() + MEETING_SECONDS
        while self._site.cloud.faults():
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)
        self._site.cloud.inject(**fault)

    def go_on(self) -> list[str]:
        """The same command with the faults cleared; what is wrong with its end."""
        self._site.wait_at_most(_deadlines())
        outcome, reason, remedy, said = self._run()
        if outcome not in ("done", "nothing-to-do") or "Traceback" in said:
            return [f"the same command afterwards ended {outcome}: {reason} | {remedy}\n{said}"]
        return self._wrong("afterwards", lambda: self._site.assert_settled_on(self.target))

    def _run(self) -> tuple[str, str, str, str]:
        try:
            report, said = self._site.fail_over(self.target)
        except Exception:  # noqa: BLE001 - a traceback is an end that the table has to tell of
            return "traceback", "", "", traceback.format_exc()
        reason = report.reason or "; ".join(report.notes)
        return report.outcome.value, reason, report.remedy, said

    def _place(self) -> dict[str, str]:
        """All that a run could change: the cloud, the hosts, Terraform's state and the active file."""
        site = self._site
        state = (site.stack.folder / "terraform.tfstate").read_bytes()
        bodies = site.model.bodies("kind IN ('volumeattachment', 'privateip', 'instance')")
        return {
            "cloud": str(sorted((b["id"], b.get("lifecycleState"), b.get("vnicId")) for b in bodies)),
            "hosts": site.model.file.read_text(),
            "state": hashlib.sha256(state).hexdigest(),
            "active": (site.stack.folder / "active.auto.tfvars").read_text(),
        }

    def _by_role(self, text: str) -> str:
        return text.replace(self.old, "old").replace(self.target, "target")

    @staticmethod
    def _wrong(what: str, check: Callable[[], None]) -> list[str]:
        try:
            check()
        except AssertionError as error:
            return [f"{what}: {error}"]
        return []
