"""Many volumes at once: one call for all where it concerns nobody else, and each by itself where it does."""

from pathlib import Path

import pytest

from hooks import walk
from hooks.contract.result import Layer
from hooks.contract.spec import ServerSpec, SpecVolume
from hooks.layers import iscsi
from tests.unit.hooks.scripted_host import Case, PlannedHost

IQN = "iqn.2015-12.com.oracleiaas:"
VOLUMES = tuple(SpecVolume(f"bv{n}", None, f"{IQN}{n:08d}", f"169.254.2.{n}", 3260) for n in range(2, 10))
SPEC = ServerSpec(300, VOLUMES, (), (), (), None)
SET = "-o update " + " ".join(f"-n {name} -v {value}" for name, value in iscsi.SETTINGS)
NOTHING = [
    {"run": "iscsiadm -m session", "code": 21},
    {"run": "iscsiadm -m node -o show", "code": 21},
]
RECORD = "# BEGIN RECORD 2.1.8\nnode.name = {}\nnode.conn[0].address = {}\nnode.conn[0].port = 3260\n"
OTHER = RECORD.format("iqn.else", "10.0.0.9")


def node(volume: SpecVolume) -> str:
    return f"iscsiadm -m node -T {volume.iqn} -p {volume.portal}"


def made(volumes: tuple[SpecVolume, ...]) -> list[Case]:
    return [{"run": f"{node(volume)} -o new"} for volume in volumes]


def there(volumes: tuple[SpecVolume, ...]) -> Case:
    """What a login brings about: devices, and sessions that are alive."""
    numbers = range(len(volumes))
    links = {volume.link: f"../../sd{n}" for n, volume in enumerate(volumes)}
    states = {f"/sys/class/iscsi_session/session{n}/state": "LOGGED_IN\n" for n in numbers}
    return {"links": links, "files": {**{f"/dev/sd{n}": "" for n in numbers}, **states}}


def afterwards(volumes: tuple[SpecVolume, ...], records: str = "") -> list[Case]:
    """The check's look at all of them logged in."""
    sessions = "".join(f"tcp: [{n}] {v.portal},1 {v.iqn} (non-flash)\n" for n, v in enumerate(volumes))
    for volume in volumes:
        records += RECORD.format(volume.iqn, volume.address)
        records += "".join(f"{n} = {v}\n" for n, v in iscsi.SETTINGS)
    return [
        {"run": "iscsiadm -m session", "out": sessions},
        {"run": "iscsiadm -m node -o show", "out": records},
    ]


def apply(root: Path, commands: list[Case], spec: ServerSpec = SPEC, **case: object) -> Layer:
    host = PlannedHost(str(root), {"commands": commands, "unordered": True, **case})
    layer = walk.apply(host, spec, ["iscsi"])[0]
    host.finish()
    return layer


def test_one_call_sets_all_records_and_one_logs_in_to_all(tmp_path: Path) -> None:
    together: list[Case] = [
        {"run": f"iscsiadm -m node {SET}"},
        {"run": "iscsiadm -m node -l", "then": there(VOLUMES)},
    ]
    layer = apply(tmp_path, [*NOTHING, *made(VOLUMES), *together, *afterwards(VOLUMES)])
    assert layer.state == "present", layer.message
    assert "8 volumes logged in" in layer.message


def one_by_one(volumes: tuple[SpecVolume, ...]) -> list[Case]:
    logins = [{"run": f"{node(v)} -l", "then": there(volumes)} for v in volumes]
    return [*({"run": f"{node(v)} {SET}"} for v in volumes), *logins]


def test_a_record_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    seen: list[Case] = [
        {"run": "iscsiadm -m session", "code": 21},
        {"run": "iscsiadm -m node -o show", "out": OTHER},
    ]
    each = [*made(VOLUMES), *one_by_one(VOLUMES)]
    layer = apply(tmp_path, [*seen, *each, *afterwards(VOLUMES, OTHER)])
    assert layer.state == "present", layer.message


def test_a_few_are_logged_in_to_one_by_one(tmp_path: Path) -> None:
    few = VOLUMES[:7]
    logins = one_by_one(few)[len(few) :]
    commands = [*NOTHING, *made(few), {"run": f"iscsiadm -m node {SET}"}, *logins, *afterwards(few)]
    assert apply(tmp_path, commands, SPEC._replace(volumes=few)).state == "present"


def test_where_the_call_for_all_fails_the_one_that_is_refused_is_named(tmp_path: Path) -> None:
    together: list[Case] = [{"run": f"iscsiadm -m node {SET}"}, {"run": "iscsiadm -m node -l", "code": 19}]
    logins: list[Case] = [{"run": f"{node(v)} -l", "code": 15} for v in VOLUMES[:-1]]
    refused: Case = {"run": f"{node(VOLUMES[-1])} -l", "code": 19, "err": "iscsiadm: no such target"}
    layer = apply(tmp_path, [*NOTHING, *made(VOLUMES), *together, *logins, refused])
    assert layer.state == "broken"
    assert VOLUMES[-1].iqn in layer.message
    assert "see that bv9 is attached to this host" in layer.message


def test_a_silent_portal_is_named_before_anything_is_logged_in_to(tmp_path: Path) -> None:
    commands = [*NOTHING, *made(VOLUMES), {"run": f"iscsiadm -m node {SET}"}]
    layer = apply(tmp_path, commands, silent={VOLUMES[3].portal: "timed out"})
    assert layer.state == "unknown"
    assert "bv5: 169.254.2.5 port 3260 is not reachable: timed out" in layer.message


@pytest.mark.parametrize("code", [0, 15])
def test_sessions_that_are_there_are_kept(tmp_path: Path, code: int) -> None:
    """The call for all would end with "session exists"; the others are logged in to one by one."""
    first, others = VOLUMES[0], VOLUMES[1:]
    live = f"tcp: [0] {first.portal},1 {first.iqn} (non-flash)\n"
    seen = [{"run": "iscsiadm -m session", "out": live}, {"run": "iscsiadm -m node -o show", "code": 21}]
    logins = [{"run": f"{node(v)} -l", "then": there(VOLUMES), "code": code} for v in others]
    settings = {"run": f"iscsiadm -m node {SET}"}
    commands = [*seen, *made(VOLUMES), settings, *logins, *afterwards(VOLUMES)]
    layer = apply(tmp_path, commands, **there((first,)))
    assert layer.state == "present", layer.message
