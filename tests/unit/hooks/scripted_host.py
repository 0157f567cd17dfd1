"""A host that runs only the commands that a case planned; plain enough for Python 3.6.

A case is one JSON object: `files` and `links` of the host before, `silent` ports and what a connection to
them ends with, the addresses of names that the host `resolves`, `commands` that may run, each with what it
answers and what it changes, and afterwards the `layers` reported and the `files_after`. Unless it is `gone`,
iscsid runs as process 77. Run as a program, it runs every case: that is how old Pythons are tested.
"""

# ruff: noqa: UP006, UP035, UP045, PTH100, PTH103, PTH105, PTH108, PTH118, PTH120, PTH123, PTH208, PTH211

import json
import os
import re
import sys
import tempfile
import threading
from typing import Any, Dict, List, Optional, Sequence

from hooks import walk as layers
from hooks.contract.parse import parse
from hooks.contract.result import Layer
from hooks.host.host import CommandFailed, CommandOutcome, Host
from hooks.migrate import migrate
from hooks.survey import survey

_HERE = os.path.dirname(os.path.abspath(__file__))
_FIXTURES = os.path.join(_HERE, "..", "..", "fixtures")
_CASES = os.path.join(_HERE, "cases")
_NO_COMMAND = 127
Case = Dict[str, Any]


class Unplanned(AssertionError):
    """A command that the case did not plan."""


def fixture(name: str) -> str:
    with open(os.path.join(_FIXTURES, name), encoding="utf-8") as file:
        return file.read()


def cases() -> Dict[str, Case]:
    """Every case by name: the file's name and the case's `why`."""
    found = {}
    for name in sorted(os.listdir(_CASES)):
        with open(os.path.join(_CASES, name), encoding="utf-8") as file:
            for case in json.load(file):
                found["{}: {}".format(name[: -len(".json")], case["why"])] = case
    return found


class PlannedHost(Host):
    """Files and links lie under `root`; time passes only by waiting, and a command that hangs."""

    def __init__(self, root: str, case: Case) -> None:
        self.clock = 0.0
        Host.__init__(self, 300, root)
        self._plan = list(case.get("commands", []))
        self._unordered = case.get("unordered", False)
        self._turn = threading.Lock()
        self._silent = case.get("silent", {})
        self._resolves = case.get("resolves", {})
        self._metadata = case.get("metadata", {})
        self.notes: List[str] = []
        self.change({"files": {"/proc/77/comm": "iscsid\n"}})
        self.change(case)

    def now(self) -> float:
        return self.clock

    def sleep(self, seconds: float) -> None:
        self.clock += seconds

    def note(self, text: str) -> None:
        self.notes.append(text)

    def connect(self, address: str, port: int) -> str:
        said: str = self._silent.get(f"{address}:{port}", "")
        self.clock += 3.0 if said else 0.0
        return said

    def resolve(self, name: str) -> List[str]:
        found: List[str] = self._resolves.get(name, [])
        return found

    def metadata(self, path: str) -> Optional[str]:
        found: Optional[str] = self._metadata.get(path)
        if found is None:
            raise CommandFailed(f"metadata service {path}: no answer")
        return found

    def _execute(self, argv: Sequence[str], seconds: float) -> Optional[CommandOutcome]:
        with self._turn:
            planned = self._next(" ".join(argv))
            self.change(planned.get("then", {}))
            if planned.get("hangs"):
                self.clock += seconds
                return None
        if planned.get("code") == _NO_COMMAND:
            raise CommandFailed(f"{argv[0]}: command not found; install the package that has it")
        return CommandOutcome(planned.get("code", 0), _text(planned.get("out", "")), planned.get("err", ""))

    def _next(self, line: str) -> Case:
        places = [place for place, planned in enumerate(self._plan) if planned["run"] == line]
        if not places or (places[0] and not self._unordered):
            wanted = self._plan[0]["run"] if self._plan else "no more commands"
            raise Unplanned(f"ran `{line}`, planned `{wanted}`")
        return self._plan.pop(places[0])

    def change(self, change: Case) -> None:
        """Makes files, symbolic links and directories, and removes what is `gone`, under the root."""
        for name, text in change.get("files", {}).items():
            self._make_room(name)
            with open(self.path(name) + ".new", "w", encoding="utf-8") as file:
                file.write(_text(text))
            os.replace(self.path(name) + ".new", self.path(name))  # as a whole: another thread may read it
        for name, target in change.get("links", {}).items():
            self._make_room(name)
            if os.path.lexists(self.path(name)):
                os.unlink(self.path(name))
            os.symlink(target, self.path(name))
        for name in change.get("directories", []):
            os.makedirs(self.path(name), exist_ok=True)
        for name in change.get("gone", []):
            os.unlink(self.path(name))

    def _make_room(self, name: str) -> None:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)

    def finish(self) -> None:
        left = [planned["run"] for planned in self._plan]
        assert not left, f"planned and never run: {left}"


def units_below_nfsd(*states: str) -> Case:
    """What systemd says of the units that nfsd needs beside data; `masked` is a state, too."""
    names = "proc-fs-nfsd.mount rpc_pipefs.target rpcbind.service"
    loads = ["masked" if state == "masked" else "loaded" for state in states]
    rows = zip(loads, ["inactive" if state == "masked" else state for state in states])  # noqa: B905 - Python 3.6
    out = "\n".join(f"LoadState={load}\nActiveState={state}\n" for load, state in rows)
    return {"run": "systemctl show -p LoadState,ActiveState " + names, "out": out}


def _text(text: str) -> str:
    return fixture(text[1:]) if re.match(r"@[a-z-]+\.(txt|json)$", text) else text


def run_case(case: Case, root: str) -> List[Layer]:
    """Runs the case and compares everything it foretells; raises AssertionError."""
    host = PlannedHost(root, case)
    os.makedirs(host.path("/proc"), exist_ok=True)
    spec = dict(json.loads(fixture(case["role"] + "-spec.json")), **case.get("spec", {}))
    others = {"survey": survey.survey, "foresee": migrate.foresee, "migrate": migrate.migrate}
    walk = others.get(case["action"]) or getattr(layers, case["action"])
    found: List[Layer] = walk(host, parse(json.dumps(spec)), case.get("only", ()))
    host.finish()
    _compare(case, found, host)
    return found


def _compare(case: Case, found: List[Layer], host: PlannedHost) -> None:
    shown = [(layer.layer, layer.state, layer.changed, layer.message) for layer in found]
    wanted = case["layers"]
    assert len(found) == len(wanted), shown
    for layer, expected in zip(found, wanted):  # noqa: B905 - Python 3.6
        assert layer.layer == expected["layer"], shown
        assert layer.state == expected["state"], shown
        assert layer.changed == expected.get("changed", False), shown
        for text in expected.get("says", []):
            assert text in layer.message, (text, layer.message)
        for name, value in expected.get("facts", {}).items():
            assert layer.facts[name] == value, (name, layer.facts)
    for name, text in case.get("files_after", {}).items():
        assert host.read(name) == (text if text is None else _text(text)), (name, host.read(name))


def main() -> int:
    for name, case in cases().items():
        with tempfile.TemporaryDirectory() as root:
            try:
                run_case(case, root)
            except AssertionError as error:
                sys.stderr.write(f"{name}: {error}\n")
                return 1
    print(f"{len(cases())} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
