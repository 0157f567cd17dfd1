"""The service moves there and back in one lab; clients of NFSv3, v4.0 and v4.2 pass a lock to each other.

The clients mount by the service's address and the site keeps locks. Each move has a seed of its own, from
which the owners' turns, the moment and the kind of the move are drawn; their logs are judged by lock_history.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.client.api_process import CloudError
from lab.drill import enforced
from lab.drill.kept import keep, where
from lab.drill.lock_history import Clock, LockHistory, Violation, check, measured, parse, turns_in
from lab.drill.operator import Operator
from lab.hardware.image.variants.catalogue import DEBIAN
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVER, SERVICE_ADDRESS, SUCCESSOR
from lab.site.stack import VARIABLES_FILE
from lab.system.errors import HardwareError
from lab.system.paths import GUEST
from lab.system.waiting import until

PROGRAM = "/usr/local/lib/drill/lock_logger.py"
LOGS = "/var/lib/drill"
TURNS = 3  # of each owner, before a move and after it
TURN_SECONDS = 240  # a takeover's grace, and the longest pause of a client that asks for a lock again
# Of the moves, how many are a power cut in the place of a planned switchover.
_CUT = 0.25
_LATEST_SECONDS = 3.0


@dataclass(frozen=True)
class LockOwner:
    """One client of the lock: the guest it is on, and the NFS version of its own mount."""

    name: str
    host: str
    version: str

    @property
    def mount(self) -> str:
        """Where its mount is."""
        return f"/mnt/lock-{self.name}"


OWNERS = tuple(LockOwner("v" + version.replace(".", ""), CLIENT, version) for version in ("3", "4.0", "4.2"))


class LockOwners:
    """The owners on their guests, each with a mount by the service's address. One lock file for all.

    All methods raise HardwareError when a guest does not do it.
    """

    def __init__(self, lab: Lab, owners: Sequence[LockOwner] = OWNERS) -> None:
        self._lab = lab
        self._owners = owners
        self._clocks: dict[str, Clock] = {}
        self._logs: dict[str, LockOwner] = {}
        self._histories: list[LockHistory] = []

    def mount(self) -> None:
        """Each owner's mount, and the program."""
        for owner in self._owners:
            self._lab.access.put(ADDRESSES[owner.host], {"lock_logger.py": _program()})
            source = f"{SERVICE_ADDRESS}:{self._lab.shape.path}"
            options = f"vers={owner.version},hard"
            if owner.version == "3":  # Debian's policy does not let mount(8) start it
                self._root(owner, "systemctl start rpc-statd")
            self._root(owner, f"install -D -m 0755 lock_logger.py {PROGRAM}; mkdir -p {owner.mount}")
            self._root(owner, f"mount -t nfs -o {options} {source} {owner.mount}")

    def unmount(self) -> None:
        """Take the mounts away again."""
        for owner in self._owners:
            self._root(owner, f"umount {owner.mount}; rmdir {owner.mount}")

    def start(self, seed: int) -> None:
        """Owners that draw their turns from this seed; returns when each has had the lock TURNS times."""
        self._logs = {f"{owner.name}-{seed}": owner for owner in self._owners}
        self._measure()
        for name, owner in self._logs.items():
            file, log = f"{owner.mount}/lock", f"{LOGS}/{name}.log"
            unit = f"systemd-run -q --uid={self._lab.access.user} --unit=lock-{name} -p TimeoutStopSec=240"
            self._root(owner, f"rm -f {log}; {unit} python3 {PROGRAM} {name} {file} {log} {seed}")
        self.await_turns("before the move")

    def await_turns(self, when: str) -> None:
        """Wait until each owner has ended TURNS more turns of its own. Raises HardwareError otherwise."""
        before = {name: self._released(name) for name in self._logs}
        for name, count_before in before.items():
            if not until(partial(self._reached, name, count_before + TURNS), TURN_SECONDS, 1.0):
                count = self._released(name) - count_before
                text = f"{name} had the lock {count} times within {TURN_SECONDS} s {when}, expected {TURNS}"
                raise HardwareError(f"{text}: {self._last_lines(name)}")

    def stop(self) -> list[LockHistory]:
        """End the owners after their turns; their logs. All since `mount` are judged together."""
        for name, owner in self._logs.items():
            self._root(owner, f"systemctl stop lock-{name}")
        self._measure()
        read = [
            parse(self._lab.on(owner.host, "cat", f"{LOGS}/{name}.log"), name, owner.host)
            for name, owner in self._logs.items()
        ]
        self._histories += read
        self._logs = {}
        return read

    def violations(self) -> list[Violation]:
        """What no correct lock could have done, over all logs since `mount`."""
        return check(self._histories, self._clocks)

    def _reached(self, name: str, count: int) -> bool:
        return self._released(name) >= count

    def _released(self, name: str) -> int:
        count = f"grep -c release {LOGS}/{name}.log || true"
        return int(self._lab.on(self._logs[name].host, "sh", "-c", count).strip() or 0)

    def _last_lines(self, name: str) -> str:
        lines = f"tail -n 3 {LOGS}/{name}.log || true"
        return self._lab.on(self._logs[name].host, "sh", "-c", lines).strip()

    def _measure(self) -> None:
        """How far the guests' clocks are ahead: the checker compares two guests' times no closer."""
        for host in {owner.host for owner in self._owners}:
            before = time.time()
            answer = float(self._lab.on(host, "date", "+%s.%N"))
            clock = measured(before, answer, time.time())
            self._clocks[host] = self._clocks.get(host, clock).also(clock)

    def _root(self, owner: LockOwner, script: str) -> None:
        self._lab.on(owner.host, "sudo", "sh", "-ec", script)


def _program() -> str:
    return (GUEST / "lock_logger.py").read_text()


def keep_locks(lab: Lab, operator: Operator) -> None:
    """The lab's site gets the service's address and keeps locks; nfs-srv-1 takes itself over with them.

    Raises HardwareError where it does not.
    """
    file = lab.terraform.directory / VARIABLES_FILE
    site = {**json.loads(file.read_text()), "service_ip": SERVICE_ADDRESS, "keep_locks": True}
    file.write_text(json.dumps(site))
    lab.terraform.run("apply", "-auto-approve", "-input=false")
    report, code = operator.report("failover", "--active", SERVER, "--yes")
    if code:
        raise HardwareError(f"{SERVER} did not take itself over with its locks kept ({code}): {report}")


def leave_names(lab: Lab, operator: Operator) -> None:
    """The client's own mount moves to the service's address too: NFSv4.2 has one connection to a server, and
    the owner's mount would go by the server's name. The writer that holds it ends. Raises HardwareError."""
    lab.on(CLIENT, "sudo", "systemctl", "stop", "drill-writer")
    report, code = operator.report("clients", "migrate", "--yes")
    if code:
        raise HardwareError(f"{CLIENT} was not migrated to the service's address ({code}): {report}")


@dataclass(frozen=True)
class LockMove:
    """One move, all of it drawn from the seed. `cut`: the active server's power is cut first; else it is a
    planned switchover. `after`: seconds between the owners' first turns and the move."""

    seed: int
    target: str
    cut: bool
    after: float


@dataclass
class LockDrill:
    """What came of the moves. `missing`: what is not as it has to be, a line each."""

    seed: int
    moves: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def mode(self) -> str:
        """The last word of the folder in which the drill is kept."""
        return "locks"

    def observed(self, targets: Mapping[str, str]) -> dict[str, list[str]]:
        """By run: what the owners of the lock saw of that move, a line each. `targets`: by run."""
        return {
            move["run"]: [
                f"turns with the lock: {', '.join(f'{name} {n}' for name, n in move['turns'].items())}",
                *(move["violations"] or ["no violation in the lock's history"]),
            ]
            for move in self.moves
            if move["run"] in targets
        }

    def document(self) -> dict[str, Any]:
        """JSON-ready: "seed", "outcome" (done, failed), "missing", and "moves" as `make_move` has them."""
        return {**vars(self), "outcome": "failed" if self.missing else "done"}


def draw_moves(count: int, seed: int) -> list[LockMove]:
    """There and back, each move from a seed of its own: `seed`, `seed` + 1, ..."""
    return [
        draw_move(seed + number, SUCCESSOR if number % 2 == 0 else SERVER) for number in range(max(count, 0))
    ]


def draw_move(seed: int, target: str) -> LockMove:
    """The same seed gives the same move."""
    source = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    cut = source.random() < _CUT
    return LockMove(seed, target, cut, round(source.uniform(0.0, _LATEST_SECONDS), 2))


def make_move(lab: Lab, operator: Operator, owners: LockOwners, move: LockMove) -> dict[str, Any]:
    """One move under its owners, and what the checker reports. Raises HardwareError.

    The fields of LockMove; "seconds": wall time of the failover; "turns": their number by owner;
    "violations": a text for each.
    """
    owners.start(move.seed)
    time.sleep(move.after)
    if move.cut:
        active = SERVER if move.target == SUCCESSOR else SUCCESSOR
        lab.crash(active)
        lab.access.forget(ADDRESSES[active])
    began = time.monotonic()
    report, code = operator.report("failover", "--active", move.target, "--yes")
    seconds = round(time.monotonic() - began, 1)
    if code:
        raise HardwareError(f"seed {move.seed}: the failover to {move.target} ended with {code}: {report}")
    owners.await_turns(f"after the move to {move.target}")
    turns = {history.client: len(turns_in(history)) for history in owners.stop()}
    violations = [str(violation) for violation in owners.violations()]
    violations += _not_enforced(lab, move)
    return {
        **vars(move),
        "run": report.get("run"),
        "seconds": seconds,
        "turns": turns,
        "violations": violations,
    }


def _not_enforced(lab: Lab, move: LockMove) -> list[str]:
    """Of guests that enforce: what they were denied in this move, and what has a wrong label after it."""
    if not lab.variant.enforces:
        return []
    running = (move.target, CLIENT) if move.cut else (SERVER, SUCCESSOR, CLIENT)
    return enforced.complaints(lab, running) + enforced.records(lab, move.target)


def main(run: Path, count: int, seed: int, as_json: bool, guests: str = DEBIAN) -> int:
    """So many moves in one lab of these guests; 0 only if each one worked and no lock history has a
    violation. The runs are kept as any drill's are."""
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    story = LockDrill(seed)

    def say(text: str) -> None:
        console.print(text, markup=False)

    lab = Lab(run, say)
    operator = Operator(lab.site_file, console, say)
    try:
        lab.up(standby=True, guests=guests)
        _move_under_owners(lab, operator, story, draw_moves(count, seed), say)
    except (HardwareError, CloudError, ValueError) as error:
        story.missing.append(str(error))
    finally:
        if story.missing:
            with suppress(OSError):
                lab.keep_evidence()
        kept = keep(lab.run, story, operator, say)
        lab.down()
    _show(story, say)
    for line in where(kept):
        say(line)
    if as_json:
        sys.stdout.write(json.dumps(story.document()) + "\n")
    sys.stdout.flush()
    return int(bool(story.missing))


def _move_under_owners(
    lab: Lab, operator: Operator, story: LockDrill, moves: Sequence[LockMove], say: Callable[[str], None]
) -> None:
    """All moves, or those up to the first with a violation. Raises HardwareError."""
    keep_locks(lab, operator)
    leave_names(lab, operator)
    owners = LockOwners(lab)
    owners.mount()
    for number, move in enumerate(moves, 1):
        way = "power cut, then" if move.cut else "planned,"
        say(f"move {number} of {len(moves)}, seed {move.seed}: {way} to {move.target}")
        story.moves.append(make_move(lab, operator, owners, move))
        say(f"  {story.moves[-1]['seconds']} s, turns {story.moves[-1]['turns']}")
        story.missing += story.moves[-1]["violations"]
        if story.missing:
            break


def _show(story: LockDrill, say: Callable[[str], None]) -> None:
    for line in story.missing:
        say(f"MISSING: {line}")
    turns = sum(sum(move["turns"].values()) for move in story.moves)
    say(f"{len(story.moves)} moves, {turns} turns of {len(OWNERS)} owners: {story.document()['outcome']}")
