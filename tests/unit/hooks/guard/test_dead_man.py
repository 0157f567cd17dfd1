"""A stopped service comes back by itself: overdue, after a boot, never on a copy, never after a release."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hooks import cli
from hooks.contract.result import ABSENT, BROKEN, PRESENT, HookResult
from hooks.guard import dead_man, script
from hooks.host import copies
from hooks.host.host import CommandFailed, CommandOutcome, Host
from tests.unit.hooks.scripted_host import fixture

TEXT = fixture("server-spec.json")
IDENTITY = "disk=naa.1\nmachine=m\n"


class Server(Host):
    """A guarded server whose clock passes by waiting; `at`: what happens at a moment of it."""

    def __init__(self, root: Path) -> None:
        self.clock = 1000.0
        super().__init__(60, str(root))
        self.identity = IDENTITY
        self.starts = True
        self.ran: list[tuple[str, ...]] = []
        self.at: dict[float, Callable[[], object]] = {}
        self.file(f"{script.FOLDER}/of", IDENTITY)
        self.file(script.SCRIPT, "")

    def file(self, name: str, text: str) -> None:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def has(self, name: str) -> bool:
        return Path(self.path(name)).exists()

    def now(self) -> float:
        return self.clock

    def sleep(self, seconds: float) -> None:
        self.clock += seconds
        for moment in [one for one in self.at if one <= self.clock]:
            self.at.pop(moment)()

    def run(self, *argv, **_):
        self.ran.append(argv)
        if argv[0] == "sh":
            if self.identity is None:
                raise CommandFailed("no script")
            return CommandOutcome(0, self.identity, "")
        shown = argv[1:2] == ("show",)
        return CommandOutcome(
            0, f"ActiveState={'active' if self.starts else 'failed'}\n" if shown else "", ""
        )

    def boot(self) -> None:
        Path(self.path(dead_man.UNTIL)).unlink()
        self.clock = 5.0


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(copies, "own", lambda: b"zipapp")
    return Server(tmp_path)


def arm(server: Server, seconds: float = 60):
    (layer,) = dead_man.arm(server, None, TEXT, seconds)
    return layer


def bring_back(server: Server, ok: bool = True) -> list[tuple[float, str]]:
    """The moments at which the service was brought back."""
    done: list[tuple[float, str]] = []

    def restore(text: str) -> HookResult:
        done.append((server.now(), text))
        return HookResult("apply", "server", "nfs-srv-1", ok, True, 0.0, "", ())

    dead_man.stand_by(server, restore)
    return done


def test_overdue_it_brings_the_service_back_once_and_is_disarmed(server):
    layer = arm(server)
    assert (layer.state, layer.facts["again"]) == (PRESENT, False)
    assert ("systemctl", "enable", "--now", "nfs-failover-dead-man.service") in server.ran
    assert copies.name_of(copies.digest(b"zipapp")) in (server.read(script.DEAD_MAN) or "")
    ((moment, text),) = bring_back(server)
    assert moment == 1060
    assert json.loads(text) == json.loads(TEXT)
    assert not dead_man.armed(server)
    assert not server.has(script.DEAD_MAN)
    assert bring_back(server) == []
    (gone,) = dead_man.disarm(server, None, ())
    assert gone.state == ABSENT
    assert gone.facts["restored"]["why"] == dead_man.OVERDUE
    assert dead_man.disarm(server, None, ())[0].facts == {}


def test_another_word_moves_the_moment(server):
    arm(server)
    server.at[1050.0] = lambda: arm(server, 600)
    ((moment, _),) = bring_back(server)
    assert moment == 1650
    assert len([argv for argv in server.ran if "enable" in argv]) == 1  # no reload while the service is away


def test_a_second_word_says_that_it_is_the_second_one(server):
    arm(server)
    assert arm(server).facts["again"] is True
    bring_back(server)
    assert arm(server).facts["again"] is False


def test_disarmed_meanwhile_it_does_nothing(server):
    arm(server)
    server.at[1020.0] = lambda: dead_man.disarm(server, None, ())
    assert bring_back(server) == []
    assert server.now() < 1025


def test_a_boot_brings_it_back_at_once(server):
    arm(server, 3600)
    server.boot()
    ((moment, _),) = bring_back(server)
    assert moment == 5.0
    (gone,) = dead_man.disarm(server, None, ())
    assert gone.facts["restored"]["why"] == dead_man.BOOTED


def test_what_could_not_be_brought_back_is_tried_again(server):
    arm(server)
    assert len(bring_back(server, ok=False)) == 1
    assert dead_man.armed(server)
    assert server.has(script.DEAD_MAN)
    assert len(bring_back(server)) == 1


@pytest.mark.parametrize(
    ("now", "copy"),
    [
        (IDENTITY, False),
        ("disk=naa.1\nmachine=moved\n", False),
        ("disk=\nmachine=m\n", False),
        ("disk=\nmachine=\n", False),
        (None, False),
        ("disk=naa.2\nmachine=m\n", True),
        ("disk=\nmachine=other\n", True),
    ],
)
def test_a_copy_brings_nothing_back_and_what_cannot_be_told_is_the_server(server, now, copy):
    arm(server)
    server.boot()
    server.identity = now
    assert bool(bring_back(server)) != copy
    assert not dead_man.armed(server)


def test_without_the_guard_or_without_a_zipapp_it_is_not_armed(server, monkeypatch):
    Path(server.path(f"{script.FOLDER}/of")).unlink()
    layer = arm(server)
    assert (layer.state, dead_man.armed(server)) == (BROKEN, False)
    assert "no boot guard" in layer.message
    monkeypatch.setattr(copies, "own", lambda: b"")
    server.file(f"{script.FOLDER}/of", IDENTITY)
    assert arm(server).state == BROKEN
    assert server.ran == []


def test_a_unit_that_does_not_run_is_no_arm(server):
    server.starts = False
    assert arm(server).state == BROKEN


def test_a_service_is_not_stopped_on_a_server_that_would_not_bring_it_back(server):
    (layer,) = dead_man.quiesce(server, None, ())
    assert layer.state == BROKEN
    assert "not armed" in layer.message


def test_a_release_to_another_server_ends_the_wait(server):
    arm(server)
    cli._before(server, "release", None)
    assert not dead_man.armed(server)
    assert bring_back(server) == []


def test_its_own_release_does_not(server):
    arm(server)
    cli._before(server, "quiesce", None)
    assert dead_man.armed(server)
