"""Clients by commands of OCI's agent: the script as it runs, its answer in pieces, and what has no answer.

The agent is a double here: it runs the script on this machine. tests/api/test_agent_commands.py has the API's
side, and tests/drill/clients/test_run_command.py a guest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import time
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.hosts.run_command import host as hosts
from failover.hosts.run_command import script
from failover.hosts.run_command.calls import AgentCommands, AgentRun, Crowded
from failover.hosts.run_command.host import AgentHost, AgentRunner
from failover.hosts.run_command.script import HooksSource
from failover.hosts.ssh import loop
from failover.model.host.host_spec import ClientDocument
from failover.model.outcome import Refused, Unknown
from failover.model.site import Client, ClientMount, Transport
from hooks.agent import started
from tests.unit.failover.hosts.test_hook_runner import SPEC

CLIENT = Client("gpu-001", "10.0.0.21", (ClientMount("/mnt/a", "/mnt/nfs/a"),), Transport.RUN_COMMAND)
NO_SOURCE = HooksSource()
# in the place of the hooks: prints what its spec says, after as long as it says
HOOKS = """
import hashlib, json, sys, time
spec = json.loads(sys.stdin.read())
refusals = [hashlib.sha256(bytes([n])).hexdigest() for n in range(spec.get("refusals", 0))]
time.sleep(spec.get("sleep", 0))
layer = ["client", "present", False, 0.0, sys.argv[1] + spec["server"], {"refusals": refusals}]
print("a profile's noise")
if spec.get("fails"):
    sys.exit("no module of that name")
print(json.dumps({"version": 1, "action": sys.argv[1], "role": "client", "host": "h", "ok": True,
  "changed": False, "seconds": 0.0, "message": "", "layers": [dict(zip(
  ["layer", "state", "changed", "seconds", "message", "facts"], layer))]}))
"""


class LocalAgent:
    """In the place of AgentCommands: the script runs here, with the host's folders in `root`.

    `delivery` and `state`: what becomes of every command; `limit`: refusals of a new one before one is taken.
    `late`: one that is TIMED_OUT was ended, with all that belongs to it, as soon as
    the hooks ran.
    """

    compartment_id = "ocid1.compartment.oc1..lab"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts: list[str] = []
        self.canceled: list[str] = []
        self.delivery, self.state = "ACKED", ""
        self.states: list[str] = []
        self.limit = 0
        self.late = False
        self.taken: datetime | None = None

    def instance_of(self, client: Client) -> str:
        return f"instance of {client.name}"

    def require_plugin(self, name: str, instance_id: str) -> None:
        """It runs."""

    def create(self, name: str, instance_id: str, text: str, seconds: int) -> str:
        assert instance_id == f"instance of {name}"
        if self.limit:
            self.limit -= 1
            raise Crowded(f"{name}: HTTP 400 LimitExceeded: five", "")
        self.texts.append(text)
        return f"command {len(self.texts)}"

    def execution(self, name: str, command_id: str, instance_id: str) -> AgentRun:
        state = self.states.pop(0) if self.states else self.state
        if state == "TIMED_OUT" and self.late:
            self.begin_and_end(self.texts[-1])
        if state:
            return AgentRun(self.delivery, state)
        done = self.run(self.texts[int(command_id.split()[1]) - 1])
        word = "FAILED" if done.returncode else "SUCCEEDED"
        return AgentRun("ACKED", word, done.returncode, done.stdout[-1024:])

    def begin_and_end(self, text: str) -> None:
        """Kill the script's process group once it has begun the hooks."""
        script_file = self.root / "command.sh"
        script_file.write_text(self.with_folders(text))
        process = subprocess.Popen(["sh", script_file], start_new_session=True, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not list((self.root / "state").glob("*.out")):
            assert time.monotonic() < deadline, "the hooks were never begun"
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """As root's."""
        assert len(text.encode()) <= 4096
        return subprocess.run(
            ["sh"], input=self.with_folders(text), text=True, capture_output=True, check=False, timeout=60
        )

    def with_folders(self, text: str) -> str:
        """The script with this host's own folders."""
        folders = f", {str(self.root / 'opt')!r}, {str(self.root / 'state')!r}))\nE\n"
        return text.replace("'))))\nE\n", "'))" + folders)

    def cancel(self, name: str, command_id: str) -> None:
        self.canceled.append(command_id)

    def last_taken(self, name: str, instance_id: str) -> datetime | None:
        return self.taken


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalAgent:
    """The hooks are on the host's disk already, and its sudo(8) runs what it is given."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sudo").write_text('#!/bin/sh\nshift\nexec "$@"\n')
    (tmp_path / "bin/sudo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(hosts, "POLL_SECONDS", (0.01,))
    sha256 = hashlib.sha256(HOOKS.encode()).hexdigest()
    monkeypatch.setattr(script.zipapp, "hooks_sha256", lambda: sha256)
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt" / f"hooks-{sha256[:16]}.pyz").write_text(HOOKS)
    return LocalAgent(tmp_path)


def host_of(agent: LocalAgent, source: HooksSource = NO_SOURCE, delivery_seconds: float = 0.3) -> AgentHost:
    return AgentHost(CLIENT, cast(AgentCommands, agent), source, delivery_seconds)


def answer(agent: LocalAgent, seconds: float = 30.0, source: HooksSource = NO_SOURCE, **more: Any) -> Any:
    spec = cast(ClientDocument, {**SPEC, **more})
    return loop.call(AgentRunner(host_of(agent, source)).answer("check", spec, seconds))


def test_the_hooks_answer_by_one_command(agent: LocalAgent) -> None:
    report = answer(agent)
    assert (report.present, report.message, report.ahead) == (True, "checknfs-srv-2", None)
    assert len(agent.texts) == 1
    assert "nfs-srv-2" not in agent.texts[0].splitlines()[1], "the spec stands in no command line"


def test_a_longer_answer_comes_in_pieces_whole(agent: LocalAgent) -> None:
    refusals = [hashlib.sha256(bytes([n])).hexdigest() for n in range(50)]
    report = answer(agent, refusals=50)
    assert report.refusals == tuple(refusals)
    assert 2 < len(agent.texts) <= started.PIECES


def test_an_answer_of_more_than_ten_pieces_is_cut_and_can_still_be_read(agent: LocalAgent) -> None:
    noise = [base64.b85encode(os.urandom(60)).decode() for _ in range(40)]  # the spec must fit too
    found = started.packed({"code": 0, "result": {"layers": [*noise, os.urandom(20_000).hex()]}})
    assert len(found) <= started.PIECE * started.PIECES
    assert script.answer("gpu-001", found)["code"] == 0


def test_hooks_that_fail_are_shown_by_their_error(agent: LocalAgent) -> None:
    with pytest.raises(Unknown, match=r"gave no answer .exit code 1.: no module of that name"):
        answer(agent, fails=True)


def test_hooks_that_have_not_ended_go_on_and_are_named(agent: LocalAgent) -> None:
    with pytest.raises(Unknown, match="had not ended after 1 s, and go on there") as raised:
        answer(agent, seconds=1.0, sleep=2.5)
    assert "waits for them" in raised.value.remedy
    deadline = time.monotonic() + 20
    while not list((agent.root / "state").glob("*.code")):
        assert time.monotonic() < deadline, "the hooks ended with the command"
        time.sleep(0.1)


def test_a_command_that_the_agent_ends_is_followed_by_another_look(agent: LocalAgent) -> None:
    agent.states = ["TIMED_OUT"]
    with pytest.raises(Unknown, match="never begun, or the host was rebooted"):
        answer(agent)
    agent.states, agent.late = ["TIMED_OUT"], True
    assert answer(agent, sleep=1).present, "the hooks outlived the first command"
    assert len(agent.texts) == 4


def test_hooks_of_another_hash_are_never_run(agent: LocalAgent) -> None:
    (path,) = (agent.root / "opt").iterdir()
    path.write_text("print('evil')")
    with pytest.raises(Unknown, match="no source of them is known") as raised:
        answer(agent)
    assert "hooks_url" in raised.value.remedy
    other = agent.root / "other.pyz"
    other.write_text("print('evil')")
    with pytest.raises(Unknown, match="hooks_url: another SHA-256"):
        answer(agent, source=HooksSource((), other.as_uri()))
    with pytest.raises(Unknown, match=r"127\.0\.0\.1:/mnt/a: "):
        answer(agent, source=HooksSource(("127.0.0.1:/mnt/a",), ""))
    other.write_text(HOOKS)
    assert answer(agent, source=HooksSource(("127.0.0.1:/mnt/a",), other.as_uri())).present


@pytest.mark.parametrize(("delivery", "state"), [("PENDING", "ACCEPTED"), ("VISIBLE", "ACCEPTED")])
def test_a_command_that_no_agent_takes_is_cancelled_and_explained(
    agent: LocalAgent, delivery: str, state: str
) -> None:
    agent.delivery, agent.state = delivery, state
    with pytest.raises(
        Unknown, match=f"{state}, delivery {delivery}.; it was cancelled; it took none"
    ) as raised:
        answer(agent)
    assert agent.canceled == ["command 1"]
    assert "30 minutes" in raised.value.remedy
    assert "instance-agent-command-execution-family in compartment id ocid1.compartment.oc1..lab" in (
        raised.value.remedy
    )
    agent.taken = datetime(2026, 3, 14, 3, 12, tzinfo=UTC)
    with pytest.raises(Unknown, match="the last one that it took was made 2026-03-14 03:12 UTC"):
        answer(agent)


def test_one_that_expired_is_explained_alike(agent: LocalAgent) -> None:
    agent.delivery, agent.state = "EXPIRED", "ACCEPTED"
    with pytest.raises(Unknown, match="delivery EXPIRED"):
        answer(agent)


def test_one_that_somebody_cancels_is_unknown(agent: LocalAgent) -> None:
    agent.state = "CANCELED"
    with pytest.raises(Unknown, match=r"came to no end of its own .CANCELED"):
        answer(agent)


def test_a_user_without_sudo_is_named(agent: LocalAgent) -> None:
    (agent.root / "bin/sudo").write_text("#!/bin/sh\necho 'sudo: a password is required'\nexit 1\n")
    with pytest.raises(Unknown, match="a password is required") as raised:
        answer(agent)
    assert "ocarun ALL=(ALL) NOPASSWD:ALL" in raised.value.remedy


def test_an_instance_with_five_commands_is_asked_again(agent: LocalAgent) -> None:
    agent.limit = 2
    assert answer(agent).present
    agent.limit = 10**6
    with pytest.raises(Unknown, match="LimitExceeded"):
        answer(agent)


def client_spec(servers: int, mounts: int) -> dict[str, Any]:
    names = [
        {"name": f"nfs-srv-{n}", "hostname": f"nfs-srv-{n}", "addresses": [f"10.0.{n}.11", f"10.0.{n}.12"]}
        for n in range(servers)
    ]
    paths = [{"path": f"/mnt/volume{n}/projects", "mount": f"/mnt/nfs/volume{n}"} for n in range(mounts)]
    return {**SPEC, "servers": names, "exports": [p["path"] for p in paths], "mounts": paths}


def test_the_spec_of_a_large_site_fits_and_one_that_does_not_is_refused(agent: LocalAgent) -> None:
    exports = tuple(f"10.0.{n}.11:/mnt/volume{n}/projects" for n in range(6))
    source = HooksSource(exports, "https://objectstorage.region.example/" + "p" * 100 + "/hooks.pyz")

    def begun(spec: dict[str, Any]) -> str:
        return script.begin("gpu-001", "0" * 16, "apply", [], json.dumps(spec), 120, source)

    assert len(begun(client_spec(8, 32)).encode()) <= 4096
    long = client_spec(2, 1)
    long["mounts"] = [
        {"path": f"/{os.urandom(20).hex()}", "mount": f"/{os.urandom(20).hex()}"} for _ in range(40)
    ]
    with pytest.raises(Refused, match="OCI takes 4096") as raised:
        begun(long)
    assert 'transport = "ssh"' in raised.value.remedy


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=200),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)


@given(JSON, st.text(max_size=50).map(lambda text: text.replace("nfs-failover-answer", "")))
def test_every_answer_that_fits_is_read_as_it_was(result: Any, noise: str) -> None:
    whole = started.packed({"code": 0, "result": result})
    read = ""
    while not read or len(read) < len(whole):
        printed = f"nfs-failover-answer {len(whole)} {whole[len(read) : len(read) + started.PIECE]}\n"
        assert len(printed) <= 1024
        part = script.piece("gpu-001", f"{noise}\n{printed}")
        assert part.total == len(whole)
        read += part.text
    assert script.answer("gpu-001", read) == {"code": 0, "result": result}


@given(
    st.text(max_size=300)
    | JSON.map(lambda value: base64.b85encode(zlib.compress(json.dumps(value).encode())).decode())
)
def test_no_text_is_more_than_an_unknown(text: str) -> None:
    for read in (script.piece, script.answer):
        with suppress(Unknown):  # any other exception is a failure
            assert read("gpu-001", text) is not None
