"""The client's own unit: when it moves the mounts, and all the times when it must not."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hooks.contract.client_spec import ClientSpec
from hooks.contract.parse import parse
from hooks.contract.result import BROKEN, PRESENT, Layer
from hooks.follow import follow, unit
from hooks.follow.nfs_call import NfsCalls
from tests.unit.hooks.scripted_host import PlannedHost, fixture

OLD, NEW, THIRD = "10.0.0.11", "10.0.0.12", "10.0.0.13"
ROOT = "22 1 254:0 / / rw,noatime shared:1 - ext4 /dev/root rw\n"
MOUNT = "92 22 0:41 / /mnt/nfs/a rw,relatime - nfs4 {} rw,vers=4.2,hard{}\n"
CURE: list[dict[str, Any]] = [
    {"run": "umount -f -l /mnt/nfs/a", "then": {"files": {"/proc/self/mountinfo": ROOT}}},
    {
        "run": "mount /mnt/nfs/a",
        "then": {"files": {"/proc/self/mountinfo": ROOT + MOUNT.format("nfs-srv-2:/mnt/a", f",addr={NEW}")}},
    },
    {"run": "systemctl daemon-reload"},
    {"run": "stat -f -c %T /mnt/nfs/a", "out": "nfs\n"},
]
NAMES = {"nfs-srv-1": [OLD], "nfs-srv-2": [NEW], "nfs-srv-3": [THIRD]}


class Calls(NfsCalls):
    """Servers that answer while `up` says so, and what each exports; every question is counted."""

    def __init__(
        self, host: PlannedHost, exports: dict[str, list[str]], up: dict[str, Callable[[float], bool]]
    ):
        super().__init__(host)
        self._exports, self._up = exports, up
        self.questions: list[str] = []

    def answers(self, address: str) -> str:
        self.questions.append(address)
        up = self._up.get(address, lambda _: address in self._exports)
        return "" if up(self._host.now()) else f"{address}: no route to host"

    def exports(self, address: str, paths: list[str]) -> str:
        return "" if set(paths) & set(self._exports.get(address, [])) else f"{paths[0]}: no such export"


def spec(**changes: Any) -> ClientSpec:
    parsed = parse(json.dumps({**json.loads(fixture("client-spec.json")), "server": "nfs-srv-1", **changes}))
    assert isinstance(parsed, ClientSpec)
    return parsed


class Client:
    """A client with a mount of nfs-srv-1, and what its unit made of it."""

    def __init__(self, root: Path, source: str = "nfs-srv-1:/mnt/a", address: str = OLD, **case: Any) -> None:
        line = case.pop("line", f"{source} /mnt/nfs/a nfs defaults 0 0\n")
        mounted = case.pop("mounted", MOUNT.format(source, f",addr={address}"))
        files = {"/proc/self/mountinfo": ROOT + mounted, "/etc/fstab": line}
        self.host = PlannedHost(str(root), {"files": files, "resolves": NAMES, "commands": CURE, **case})
        self.locked: list[float] = []
        self.while_waiting: Callable[[], object] = lambda: None

    def unit_runs(
        self,
        exports: dict[str, list[str]],
        up: dict[str, Callable[[float], bool]] | None = None,
        **changes: Any,
    ) -> list[Layer] | None:
        self.calls = Calls(self.host, exports, up or {})
        return follow.follow(self.host, spec(**changes), self.calls, self._alone)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.while_waiting()
        self.locked.append(self.host.now())
        yield

    def is_left_alone(self) -> bool:
        return not self.locked and len(self.host._plan) == len(CURE)


SERVED = {NEW: ["/mnt/a"]}


def test_a_server_that_has_gone_is_followed_after_five_looks(tmp_path: Path) -> None:
    client = Client(tmp_path)
    layers = client.unit_runs(SERVED)
    assert layers is not None
    assert [(layer.state, layer.changed) for layer in layers] == [(PRESENT, True)]
    assert client.locked == [4 * follow.PAUSE_SECONDS]
    assert client.host.read("/etc/fstab") == "nfs-srv-2:/mnt/a /mnt/nfs/a nfs defaults 0 0\n"
    client.host.finish()
    notes = "\n".join(client.host.notes)
    assert "look 1 of 5: nfs-srv-1: 10.0.0.11: no route to host" in notes
    assert "nfs-srv-1 answers no more, and nfs-srv-2 serves: the mounts move" in notes
    assert client.unit_runs(SERVED) is None  # the mount is the new server's now


def test_one_answer_of_the_present_server_is_enough_to_leave_it(tmp_path: Path) -> None:
    for number in range(follow.PROBES):
        client = Client(tmp_path / str(number))
        at = number * follow.PAUSE_SECONDS
        assert client.unit_runs(SERVED, {OLD: partial(operator.eq, at)}) is None
        assert client.is_left_alone()


def test_an_answer_while_it_waits_for_the_lock_is_enough_too(tmp_path: Path) -> None:
    client = Client(tmp_path)
    back: list[bool] = []
    client.while_waiting = lambda: back.append(True)
    assert client.unit_runs(SERVED, {OLD: lambda _: bool(back)}) is None
    assert len(client.host._plan) == len(CURE)
    assert "left as it is: its server answers" in client.host.notes[-1]


def test_a_server_that_answers_costs_one_question(tmp_path: Path) -> None:
    client = Client(tmp_path)
    assert client.unit_runs({OLD: [], **SERVED}) is None
    assert client.calls.questions == [OLD]
    assert client.host.notes == []


@pytest.mark.parametrize(
    ("exports", "why"),
    [
        ({}, "no other server serves: nfs-srv-2: 10.0.0.12: no route to host"),
        ({NEW: ["/mnt/b"]}, "no other server serves: nfs-srv-2: /mnt/a: no such export"),
        ({NEW: ["/mnt/a"], THIRD: ["/mnt/a"]}, "nfs-srv-2 and nfs-srv-3 both serve"),
    ],
)
def test_without_exactly_one_other_server_it_is_left(
    tmp_path: Path, exports: dict[str, list[str]], why: str
) -> None:
    client = Client(tmp_path)
    servers = [
        {"name": f"nfs-srv-{n}", "hostname": f"nfs-srv-{n}", "addresses": [address]}
        for n, address in enumerate((OLD, NEW, THIRD), 1)
    ]
    assert client.unit_runs(exports, servers=servers) is None
    assert client.is_left_alone()
    assert f"nfs-srv-1 answers no more; left as it is: {why}" in client.host.notes[-1]


def test_another_address_of_the_present_server_counts(tmp_path: Path) -> None:
    servers = json.loads(fixture("client-spec.json"))["servers"]
    servers[0]["addresses"].append("10.0.2.4")
    client = Client(tmp_path)
    assert client.unit_runs({"10.0.2.4": [], **SERVED}, servers=servers) is None
    assert client.is_left_alone()


@pytest.mark.parametrize(
    ("leads", "moves"), [([NEW], True), ([OLD], False), ([], False), ([THIRD], False), ([OLD, NEW], False)]
)
def test_a_mount_of_the_service_s_name_follows_that_name(
    tmp_path: Path, leads: list[str], moves: bool
) -> None:
    name = "nfs.example.com"
    mounted = ROOT + MOUNT.format(f"{name}:/mnt/a", f",addr={NEW}")
    commands = [CURE[0], {"run": "mount /mnt/nfs/a", "then": {"files": {"/proc/self/mountinfo": mounted}}}]
    case = {"resolves": {**NAMES, name: leads}, "commands": [*commands, CURE[3]]}
    client = Client(tmp_path, f"{name}:/mnt/a", **case)
    layers = client.unit_runs(SERVED, service=[name])
    assert bool(layers) is moves, client.host.notes
    assert client.host.read("/etc/fstab") == f"{name}:/mnt/a /mnt/nfs/a nfs defaults 0 0\n"
    if not moves:
        assert not client.locked
        assert len(client.host._plan) == 3


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("10.0.0.100:/mnt/a", "10.0.0.100"),  # the service's address follows by itself
        ("nas.example.com:/mnt/a", "10.9.9.9"),  # not the site's
        ("nfs-srv-1:/mnt/a", OLD),
    ],
    ids=["service", "stranger", "own port"],
)
def test_mounts_that_are_not_its_business(tmp_path: Path, source: str, address: str) -> None:
    port = ",port=20049" if address == OLD else ""
    client = Client(tmp_path, source, address, mounted=MOUNT.format(source, f",addr={address}{port}"))
    assert client.unit_runs(SERVED, service=["10.0.0.100"]) is None
    assert client.calls.questions == []
    assert client.is_left_alone()


def test_a_line_that_was_never_mounted_is_followed_too(tmp_path: Path) -> None:
    client = Client(tmp_path, mounted="", commands=CURE[1:])
    layers = client.unit_runs(SERVED)
    assert layers is not None
    assert layers[0].state == PRESENT
    client.host.finish()


def test_a_client_that_the_run_would_refuse_is_left_with_the_reason_and_rests(tmp_path: Path) -> None:
    client = Client(tmp_path, line="")  # mounted by hand, over something else
    twice = (
        MOUNT.format("nas:/x", ",addr=10.9.9.9")
        .replace("92 22", "80 22")
        .replace("/mnt/nfs/a rw", "/mnt/nfs/a rw")
    )
    own = MOUNT.format("nfs-srv-1:/mnt/a", f",addr={OLD}").replace("92 22", "92 80")
    client.host.change({"files": {"/proc/self/mountinfo": ROOT + twice + own}})
    layers = client.unit_runs(SERVED)
    assert layers is not None
    assert layers[0].state == BROKEN
    assert "found nas:/x mounted there" in layers[0].message
    acted = len(client.locked)
    assert client.unit_runs(SERVED) is None
    assert len(client.locked) == acted
    assert "the next attempt is in" in client.host.notes[-1]
    client.host.sleep(follow.REST_SECONDS)
    assert client.unit_runs(SERVED) is not None
    assert len(client.locked) == acted + 1


@pytest.mark.parametrize("text", ["", "{", "[]", "99999999.0", "null"])
def test_a_memory_that_makes_no_sense_does_not_hold_it_up(tmp_path: Path, text: str) -> None:
    client = Client(tmp_path)
    client.host.change({"files": {unit.ATTEMPT: text}})
    assert client.unit_runs(SERVED) is not None


def test_the_path_below_nfsv4_s_root_counts_as_the_same(tmp_path: Path) -> None:
    client = Client(tmp_path, "nfs-srv-1:/a")
    layers = client.unit_runs({NEW: ["/a"]}, root="/mnt")
    assert layers is not None


@pytest.mark.parametrize(
    ("leads", "moves"), [([OLD], False), ([NEW], True), ([], True), (["10.9.9.9"], True)]
)
def test_a_name_of_the_service_has_a_say_where_no_mount_names_it(
    tmp_path: Path, leads: list[str], moves: bool
) -> None:
    client = Client(tmp_path, resolves={**NAMES, "nfs.example.com": leads})
    assert bool(client.unit_runs(SERVED, service=["nfs.example.com"])) is moves
    assert moves or "nfs.example.com leads to nfs-srv-1 on this client" in client.host.notes[-1]


def test_each_server_has_looks_of_its_own(tmp_path: Path) -> None:
    """nfs-srv-1 misses the first look alone, nfs-srv-2 the other four: neither has missed five."""
    servers = [
        {"name": f"nfs-srv-{n}", "hostname": f"nfs-srv-{n}", "addresses": [address]}
        for n, address in enumerate((OLD, NEW, THIRD), 1)
    ]
    second = MOUNT.format("nfs-srv-2:/mnt/a", f",addr={NEW}").replace("92 22 0:41", "93 22 0:42")
    second = second.replace("/mnt/nfs/a", "/mnt/nfs/b")
    client = Client(tmp_path, mounted=MOUNT.format("nfs-srv-1:/mnt/a", f",addr={OLD}") + second)
    up = {OLD: lambda now: now > 0, NEW: lambda now: now == 0}
    mounts = [{"path": "/mnt/a", "mount": f"/mnt/nfs/{letter}"} for letter in "ab"]
    assert client.unit_runs({THIRD: ["/mnt/a"]}, up, servers=servers, mounts=mounts) is None
    assert client.is_left_alone()
