"""The command line: what goes in, what comes out, and the exit codes."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from hooks import cli
from hooks.boot import metadata
from hooks.contract.result import HookResult, Layer
from hooks.probe import canary
from tests.unit.hooks.scripted_host import PlannedHost, fixture

RELEASED = "run/nfs-failover.released"
MOUNTED = (
    "22 1 254:0 / / rw - ext4 /dev/root rw\n88 22 253:0 / /mnt/a rw,relatime - xfs /dev/mapper/vg1-lv01 rw\n"
)
FSTAB = "/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host's files with the data filesystem mounted."""
    (tmp_path / "run").mkdir()
    change = {
        "files": {
            "/dev/dm-0": "",
            "/proc/self/mountinfo": MOUNTED,
            "/etc/fstab": FSTAB,
            "/proc/uptime": "12.5 3\n",
        },
        "links": {"/dev/vg1/lv01": "../dm-0", "/dev/mapper/vg1-lv01": "../dm-0"},
    }
    PlannedHost(str(tmp_path), change)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(root: Path, capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    code = cli.main(argv, str(root))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return code, json.loads(out)


def given(monkeypatch: pytest.MonkeyPatch, spec: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(spec))


def test_check_by_standard_input(root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, fixture("server-spec.json"))
    code, result = run(root, capsys, "check", "--spec", "-", "--only", "filesystem")
    assert code == 0
    assert (result["action"], result["role"], result["ok"], result["changed"]) == (
        "check",
        "server",
        True,
        False,
    )
    assert [layer["state"] for layer in result["layers"]] == ["present"]
    assert result["facts"]["uptime_seconds"] == 12.5
    assert HookResult.from_json(json.dumps(result)).layers[0].facts == {"/mnt/a": "/dev/mapper/vg1-lv01"}


def test_apply_that_has_nothing_to_do_says_so(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, fixture("server-spec.json"))
    code, result = run(root, capsys, "apply", "--spec", "-", "--only", "filesystem")
    assert (code, result["changed"], result["message"]) == (0, False, "nothing to do: already so")


def test_a_check_that_finds_nothing_is_not_ok(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "proc/self/mountinfo").write_text("")
    given(monkeypatch, fixture("server-spec.json"))
    code, result = run(root, capsys, "check", "--spec", "-", "--only", "filesystem")
    assert (code, result["ok"], result["message"]) == (1, False, "filesystem: not mounted: /mnt/a")


def test_a_bad_spec(root: Path, capsys: Any) -> None:
    (root / "spec.json").write_text('{"version": 1, "role": "server; reboot"}')
    code, result = run(root, capsys, "apply", "--spec", str(root / "spec.json"))
    assert code == 2
    assert result["message"].startswith("spec.role: found 'server; reboot', expected 'server' or 'client'")
    assert not (root / "run/nfs-failover.lock").exists()


def test_no_spec_file(root: Path, capsys: Any) -> None:
    code, result = run(root, capsys, "apply", "--spec", "/no/such/file")
    assert (code, "No such file" in result["message"]) == (2, True)


@pytest.mark.parametrize(
    "argv",
    [
        ["apply"],
        ["apply", "--spec", "-", "--only", "lvn"],
        ["check", "--from-metadata"],
        ["destroy", "--spec", "-"],
        ["watch", "--spec", "-"],
        ["watch", "--from-metadata"],
    ],
)
def test_wrong_words_are_refused(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as error:
        cli.main(argv)
    assert error.value.code == 2


ALL_THERE = metadata.AttachedVolumes(2, 2, fixture("server-spec.json"))


@pytest.mark.parametrize(
    ("found", "code", "message"),
    [
        (0, 0, "0 of 2 volumes are attached to this host: nothing to do"),
        (1, 3, "1 of 2 volumes are attached to this host"),
    ],
)
def test_an_operator_on_a_host_without_its_volumes(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, found: int, code: int, message: str
) -> None:
    monkeypatch.setattr(metadata, "look", lambda: metadata.AttachedVolumes(found, 2, ""))
    ended, result = run(root, capsys, "apply", "--from-metadata")
    assert (ended, result["message"]) == (code, message)


def test_an_operator_where_the_metadata_service_is_away(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> metadata.AttachedVolumes:
        raise metadata.Unreachable("metadata service: no route")

    monkeypatch.setattr(metadata, "look", away)
    assert run(root, capsys, "apply", "--from-metadata")[0] == 3


def test_an_operator_takes_over_by_what_is_attached(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "look", lambda: ALL_THERE)
    code, result = run(root, capsys, "apply", "--from-metadata", "--only", "filesystem")
    assert (code, result["layers"][0]["state"]) == (0, "present")


def test_after_a_release_the_boot_service_keeps_off(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "look", lambda: ALL_THERE)
    (root / RELEASED).touch()
    code, result = run(root, capsys, "apply", "--from-metadata")
    assert (code, result["layers"]) == (0, [])
    assert result["message"].startswith("released: not taken over again before its volumes were gone")
    given(monkeypatch, fixture("server-spec.json"))
    run(root, capsys, "apply", "--spec", "-", "--only", "filesystem")
    assert not (root / RELEASED).exists()


def test_release_leaves_its_mark(root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "proc/self/mountinfo").write_text("")
    (root / "etc/fstab").write_text("")
    given(monkeypatch, fixture("server-spec.json"))
    code, _ = run(root, capsys, "release", "--spec", "-", "--only", "filesystem")
    assert (code, (root / RELEASED).exists()) == (0, True)


@pytest.mark.parametrize("action", ["probe", "refresh"])
def test_what_verifies_leaves_the_mark_of_a_release(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    (root / RELEASED).touch()
    monkeypatch.setattr(canary, action, lambda *_: [Layer("data /mnt/a", "absent", False, 0.0, "none", {})])
    given(monkeypatch, fixture("server-spec.json"))
    code, result = run(root, capsys, action, "--spec", "-")
    assert (code, result["ok"]) == ((0, True) if action == "probe" else (1, False))
    assert (root / RELEASED).exists()
    assert (root / "run/nfs-failover.lock").exists() == (action == "refresh")


def test_a_client_has_no_canaries_to_refresh(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, fixture("client-spec.json"))
    code, result = run(root, capsys, "refresh", "--spec", "-")
    assert (code, result["message"]) == (2, "refresh: found a client's spec, expected a server's")


def taken_over(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, text: str
) -> tuple[list[str], int, dict[str, Any], str]:
    """What `take-over` did with these lines, and its exit code, result and notes."""
    did: list[str] = []

    def made_ready(text: str, _: str, action: str) -> HookResult:
        cli.parse(text)
        did.append(f"{action} {json.loads(text)['deadline_seconds']}")
        return HookResult(action, "server", "h", True, True, 0.0, "", ())

    def ran(action: str, spec: Any, only: Any, _: str) -> HookResult:
        did.append(f"{action} {spec.deadline_seconds} {list(only)}")
        return HookResult(action, "server", "h", True, True, 0.0, "done", ())

    monkeypatch.setattr(cli, "_made_ready", made_ready)
    monkeypatch.setattr(cli, "_run", ran)
    given(monkeypatch, text)
    code = cli.main(["take-over", "--spec", "-"], str(root))
    captured = capsys.readouterr()
    return did, code, json.loads(captured.out), captured.err


def line(seconds: int) -> str:
    return json.dumps({**json.loads(fixture("server-spec.json")), "deadline_seconds": seconds})


def test_a_takeover_that_was_started_ahead_is_announced_and_then_applied(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f'{{"ready": {line(7)}}}\n{line(9)}\n{line(11)}\n'
    did, code, result, _ = taken_over(root, capsys, monkeypatch, text)
    assert did == ["announce 7", "apply 9 []"], "the first spec ends it"
    assert (code, result["action"], result["message"]) == (0, "apply", "done")
    assert (root / "run/nfs-failover.taker").exists(), "the boot service waits"


def test_what_cannot_be_made_ready_stops_no_takeover(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    did, code, _, notes = taken_over(root, capsys, monkeypatch, f'{{"ready": {{}}}}\n{line(9)}\n')
    assert (did, code) == (["apply 9 []"], 0)
    assert "not made ready: " in notes


def test_a_full_run_that_takes_no_announcement_stops_no_takeover(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "run/nfs-failover.taker").mkdir()  # nothing can be written there
    did, code, _, notes = taken_over(root, capsys, monkeypatch, f'{{"ready": {line(7)}}}\n{line(9)}\n')
    assert (did, code) == (["apply 9 []"], 0)
    assert "not made ready: " in notes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "found its end, expected a spec; nothing was done"),
        ("no JSON\n", "found no JSON"),
        ("[]\n", "expected"),
    ],
)
def test_a_takeover_without_a_spec_does_nothing(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    did, code, result, _ = taken_over(root, capsys, monkeypatch, text)
    assert (did, code) == ([], 2)
    assert says in result["message"]
