"""The unit on a client: put there, renewed, shown, and taken away to the last file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from hooks import cli
from hooks.contract.fields import SpecError
from hooks.contract.parse import parse
from hooks.contract.result import ABSENT, BROKEN, PRESENT
from hooks.follow import unit
from hooks.host import copies
from hooks.host.host import CommandOutcome, Host
from tests.unit.hooks.scripted_host import fixture

TEXT = fixture("client-spec.json")
SPEC = parse(TEXT)
FIRST, SECOND = b"zipapp", b"a later zipapp"
STAYS = ("etc/fstab", "run/nfs-failover.lock", "opt/nfs-failover/migrated.json")


class Client(Host):
    """A client's files; systemctl does what it should, unless the timer does not start."""

    def __init__(self, root: Path) -> None:
        super().__init__(60, str(root))
        self.starts = True
        self.active = False
        self.ran: list[str] = []
        for name in STAYS:
            self.file(name, "x")

    def file(self, name: str, text: str) -> None:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def files(self) -> set[str]:
        return {str(p.relative_to(self.root)) for p in Path(self.root).rglob("*") if not p.is_dir()}

    def run(self, *argv, **_):
        self.ran.append(" ".join(argv))
        if argv[1] == "enable":
            self.file(unit.WANTED, "")
            self.active = self.starts
        if argv[1] == "disable":
            Path(self.path(unit.WANTED)).unlink(missing_ok=True)
            self.active = False
        return CommandOutcome(0, f"ActiveState={'active' if self.active else 'inactive'}\n", "")

    @property
    def copies(self) -> list[str]:
        return sorted(name for name in self.files() if name.endswith(".pyz"))


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(copies, "own", lambda: FIRST)
    return Client(tmp_path)


def copy_of(content: bytes) -> str:
    return "opt/nfs-failover/" + copies.name_of(copies.digest(content))


def test_on_and_off_leaves_every_other_file(client: Client) -> None:
    before = client.files()
    (layer,) = unit.on(client, SPEC, TEXT)
    assert (layer.state, layer.changed) == (PRESENT, True)
    assert unit.state(client, SPEC) == {
        "sha256": copies.digest(FIRST)[:16],
        "on": True,
        "current": True,
    }
    assert layer.facts["follow"] == unit.state(client, SPEC)
    assert client.files() - before == {
        *(name.lstrip("/") for name in (unit.SPEC, unit.SERVICE, unit.TIMER, unit.WANTED)),
        copy_of(FIRST),
    }
    assert f"/{copy_of(FIRST)} follow'" in (client.read(unit.SERVICE) or "")
    assert Path(client.path(unit.SPEC)).stat().st_mode & 0o777 == 0o600
    client.ran.clear()
    (layer,) = unit.on(client, SPEC, TEXT)
    assert (layer.changed, layer.message) == (False, "nothing to do: it is on")
    assert client.ran == ["systemctl show -p ActiveState nfs-failover-follow.timer"]

    client.file(unit.ATTEMPT, "5.0\n")
    (layer,) = unit.off(client, SPEC, ())
    assert (layer.state, layer.changed) == (ABSENT, True)
    assert client.files() == before
    assert not Path(client.path("/etc/nfs-failover")).exists()
    assert unit.state(client, SPEC) is None
    (layer,) = unit.off(client, SPEC, ())
    assert (layer.state, layer.changed) == (ABSENT, False)


def test_later_hooks_take_the_place_of_earlier_ones(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.on(client, SPEC, TEXT)
    client.file("opt/nfs-failover/hooks-0123456789abcdef.pyz", "of a run that was cut off")
    monkeypatch.setattr(copies, "own", lambda: SECOND)
    (layer,) = unit.on(client, SPEC, TEXT)
    assert layer.changed
    assert client.copies == [copy_of(SECOND)]
    assert copies.digest(SECOND)[:16] in (client.read(unit.SERVICE) or "")
    assert client.ran.count("systemctl daemon-reload") == 2


@pytest.mark.parametrize(
    "other", ["/etc/systemd/system/nfs-failover.service", "/etc/nfs-failover/guard/of"], ids=["boot", "guard"]
)
def test_a_server_s_own_copies_stay(client: Client, other: str) -> None:
    client.file(other, "x")
    client.file(copy_of(SECOND), "of its loader")
    unit.on(client, SPEC, TEXT)
    unit.off(client, SPEC, ())
    assert copy_of(SECOND) in client.files()


@pytest.mark.parametrize("gone", [unit.WANTED, unit.SPEC, unit.TIMER, unit.SERVICE, "/" + copy_of(FIRST)])
def test_what_was_taken_away_in_part_is_not_on_and_is_put_back(client: Client, gone: str) -> None:
    unit.on(client, SPEC, TEXT)
    Path(client.path(gone)).unlink()
    state = unit.state(client, SPEC)
    assert state is not None
    assert state["on"] is False
    (layer,) = unit.on(client, SPEC, TEXT)
    assert layer.changed
    state = unit.state(client, SPEC)
    assert state is not None
    assert state["on"] is True


def test_a_site_that_has_changed_is_noticed_and_who_serves_does_not_count(client: Client) -> None:
    unit.on(client, SPEC, TEXT)
    known = json.loads(TEXT)

    def current(**changes: Any) -> object:
        state = unit.state(client, parse(json.dumps({**known, **changes})))
        return state and state["current"]

    assert current(server="nfs-srv-1", mode="reboot", deadline_seconds=7)
    assert not current(mounts=[*known["mounts"], {"path": "/mnt/a/b", "mount": "/b"}])
    assert not current(service=["10.0.0.100"])
    client.file(unit.SPEC, "{")
    assert not current()


def test_a_timer_that_does_not_start_is_no_success(client: Client) -> None:
    client.starts = False
    (layer,) = unit.on(client, SPEC, TEXT)
    assert layer.state == BROKEN
    assert "nfs-failover-follow.timer does not run" in layer.message


def test_hooks_of_a_checkout_and_a_server_s_spec_are_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = client.files()
    with pytest.raises(SpecError, match="expected a client's"):
        unit.on(client, parse(fixture("server-spec.json")), TEXT)
    monkeypatch.setattr(copies, "own", lambda: b"")
    (layer,) = unit.on(client, SPEC, TEXT)
    assert (layer.state, layer.message) == (BROKEN, "these hooks are no zipapp")
    assert client.files() == before


def run(root: Path, capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    code = cli.main(argv, str(root))
    return code, capsys.readouterr().out


def test_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    code, out = run(tmp_path, capsys, "follow")
    assert code == 3
    assert "/etc/nfs-failover/follow/spec: not there" in json.loads(out)["message"]

    client = Client(tmp_path)
    client.file(unit.SPEC, json.dumps({**json.loads(TEXT), "service": ["10.0.0.100"]}))
    client.file("proc/self/mountinfo", "22 1 254:0 / / rw - ext4 /dev/root rw\n")
    client.file("etc/fstab", "10.0.0.100:/mnt/a /mnt/nfs/a nfs defaults 0 0\n")
    assert run(tmp_path, capsys, "follow") == (0, "")  # no line in the journal for each look

    client.file(unit.SPEC, fixture("server-spec.json"))
    code, out = run(tmp_path, capsys, "follow")
    assert code == 2
    assert "found a server's spec" in json.loads(out)["message"]

    monkeypatch.setattr("sys.stdin", io.StringIO(TEXT))
    code, out = run(tmp_path, capsys, "follow-on", "--spec", "-")
    assert code == 1
    assert "these hooks are no zipapp" in json.loads(out)["message"]
    monkeypatch.setattr("sys.stdin", io.StringIO(TEXT))
    code, out = run(tmp_path, capsys, "check", "--spec", "-")
    assert json.loads(out)["facts"]["follow"]["on"] is False
