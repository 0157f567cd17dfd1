"""A client through OCI's agent, in the place of SSH: the same questions and answers, a deadline on each."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar, cast

from failover.deadline import Deadline, async_until
from failover.hosts.hook_runner import HookRunner
from failover.hosts.run_command import policies, script
from failover.hosts.run_command.calls import AgentCommands, AgentRun, Crowded
from failover.hosts.run_command.script import HooksSource
from failover.hosts.ssh import Ran, SshHost, loop
from failover.hosts.ssh.host import BOOT_ID_FILE
from failover.model.host import hook_report as answers
from failover.model.host.attempt import Attempt
from failover.model.host.hook_report import HookReport
from failover.model.host.host_spec import HostDocument
from failover.model.outcome import Unknown
from failover.model.site import Client

Result = TypeVar("Result")
POLL_SECONDS = (0.5, 1.0, 2.0, 3.0, 5.0)
_SPARE = 30  # seconds that a script may take beside what it waits for
_AT_ONCE = 32  # calls; the API's limits are per second
_REBOOT_IN = 15  # seconds: the agent reports the command's end before
_BOOT_ID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_NO_HOOKS = (
    "`./inv preflight` keeps the hooks with the data; where a client may not read there, or while no "
    "server serves, set [run_command] hooks_url, or bring this client over once by SSH"
)


class AgentHost:
    """A client's instance. One command at a time of ours: OCI runs two, and the other one may be somebody's.

    `attempt` stays None: an answer of the agent says nothing about the network from here. `delivery_seconds`:
    how long a command may wait for the agent. What goes wrong is Unknown, and of this client alone.
    """

    attempt: Attempt | None = None
    way = "its agent"

    def __init__(
        self, client: Client, commands: AgentCommands, source: HooksSource, delivery_seconds: float
    ) -> None:
        self.name = client.name
        self.address = client.address
        self._client = client
        self._commands = commands
        self._source = source
        self._delivery_seconds = delivery_seconds
        self._instance_id = ""
        self._alone = asyncio.Lock()

    async def opened(self) -> None:
        """Returns when the instance is known, runs, and has the plugin. Raises Unknown."""
        if not self._instance_id:
            self._instance_id = await _in_thread(self._looked_up)

    async def ran(self, argv: list[str], deadline_seconds: float, stdin: str = "") -> Ran:
        """Run argv as the agent's user; at most 1 KB of what it prints comes back. Raises Unknown."""
        del stdin
        execution = await self._ended(script.plain(argv), deadline_seconds)
        return Ran(execution.code or 0, execution.text, "")

    def run(self, argv: list[str], deadline_seconds: float, stdin: str = "") -> Ran:
        """The same outside of the event loop."""
        return loop.call(self.ran(argv, deadline_seconds, stdin))

    async def hooks(self, action: str, more: Sequence[str], spec: str, seconds: float) -> Ran:
        """Run the hooks as root; their result is `out`. Raises Refused for a spec that does not fit, Unknown.

        They outlive the command. An answer of more than a piece is fetched by further commands.
        """
        run, deadline = secrets.token_hex(8), Deadline(seconds)
        text = script.begin(self.name, run, action, more, spec, seconds, self._source)
        execution = await self._ended(text, seconds)
        if execution.state == "TIMED_OUT":  # the script alone: the hooks may have gone on
            execution = await self._ended(script.further(run, 0, max(1.0, deadline.left)), seconds)
        packed = script.piece(self.name, execution.text)
        text = packed.text
        while packed.text and len(text) < packed.total:
            rest = await self._ended(script.further(run, len(text), 5.0), _SPARE)
            packed = script.piece(self.name, rest.text)
            text += packed.text
        document = script.answer(self.name, text)
        if document.get("running"):
            raise Unknown(
                f"{self.name}: hooks {action} had not ended after {seconds:.0f} s, and go on there",
                "run the same command again: it waits for them",
            )
        if "code" not in document:
            raise Unknown(f"{self.name}: {document.get('error')}", _NO_HOOKS)
        result = json.dumps(document["result"]) + "\n" if "result" in document else ""
        return Ran(int(document["code"]), result, str(document.get("error", "")))

    def boot_id(self, deadline_seconds: float = 60.0) -> str:
        """The kernel's boot id (random(4)); empty while the agent does not answer."""
        try:
            ran = self.run(["cat", BOOT_ID_FILE], deadline_seconds)
        except Unknown:
            return ""
        match = _BOOT_ID.search(ran.out)
        return match.group() if match else ""

    def reboot(self) -> None:
        """Reboot in some seconds, so that the agent can still report the command. Raises Unknown."""
        ran = self.run(["sudo", "-n", "systemd-run", f"--on-active={_REBOOT_IN}", "systemctl", "reboot"], 60)
        if ran.code:
            raise Unknown(
                f"{self.name}: its reboot could not be ordered (exit code {ran.code}): {ran.out[-200:]}",
                script.NO_SUDO,
            )

    def accepts(self, port: int) -> bool:
        """No port is tried from here."""
        del port
        return False

    def close(self) -> None:
        """There is no connection."""

    def _looked_up(self) -> str:
        instance_id = self._commands.instance_of(self._client)
        self._commands.require_plugin(self.name, instance_id)
        return instance_id

    async def _ended(self, text: str, seconds: float) -> AgentRun:
        """The script's end: SUCCEEDED, FAILED with its text, or TIMED_OUT. Raises Unknown for every other."""
        await self.opened()
        async with self._alone:
            delivery = Deadline(self._delivery_seconds)
            command = await self._ordered(text, int(seconds) + _SPARE, delivery)
            execution = await self._delivered(command, delivery)
            if not execution.ended:
                until_end = Deadline(seconds + 2 * _SPARE)
                execution = await self._looked(command, lambda one: one.ended, until_end)
        if execution.state in ("SUCCEEDED", "TIMED_OUT") or (
            execution.state == "FAILED" and execution.code is not None
        ):
            return execution
        raise Unknown(
            f"{self.name}: its agent took the command, and it came to no end of its own ({execution.line})",
            "look at the agent on the client (`journalctl -u oracle-cloud-agent`), and at who cancels "
            "commands; then run the same command again",
        )

    async def _ordered(self, text: str, seconds: int, delivery: Deadline) -> str:
        """Orders it again while the instance has five commands under way."""
        while True:
            try:
                return await _in_thread(
                    lambda: self._commands.create(self.name, self._instance_id, text, seconds)
                )
            except Crowded:
                if delivery.left < POLL_SECONDS[-1]:
                    raise
                await asyncio.sleep(POLL_SECONDS[-1])

    async def _delivered(self, command: str, delivery: Deadline) -> AgentRun:
        execution = await self._looked(command, lambda one: one.delivered or one.ended, delivery)
        if execution.delivered:
            return execution
        last_word = await _in_thread(lambda: self._given_up(command))
        raise Unknown(
            f"{self.name}: its agent took no command within {self._delivery_seconds:.0f} s ({execution.line})"
            f"; {last_word}",
            "a new member of the agent's dynamic group waits up to 30 minutes; else a policy is missing: "
            + policies.AGENT.format(self._commands.compartment_id),
        )

    def _given_up(self, command: str) -> str:
        """Cancels it, so that it does not run later; says what the agent took before."""
        try:
            self._commands.cancel(self.name, command)
            canceled = "it was cancelled"
        except Unknown as error:
            canceled = f"it could not be cancelled, and may still run ({error.reason})"
        try:
            newest = self._commands.last_taken(self.name, self._instance_id)
        except Unknown:
            return canceled
        when = (
            f"the last one that it took was made {newest:%Y-%m-%d %H:%M} UTC"
            if newest
            else "it took none in 7 days"
        )
        return f"{canceled}; {when}"

    async def _looked(self, command: str, reached: Callable[[AgentRun], bool], end: Deadline) -> AgentRun:
        """The execution as soon as it is so, or as it is at the deadline."""

        def execution() -> AgentRun:
            return self._commands.execution(self.name, command, self._instance_id)

        return await async_until(partial(_in_thread, execution), reached, end.left, POLL_SECONDS)


class AgentRunner(HookRunner):
    """A client on which the hooks run as root through OCI's agent."""

    def __init__(self, host: AgentHost) -> None:
        super().__init__(cast(SshHost, host))  # it has what a client is asked
        self._host = host

    async def answer(
        self, action: str, spec: HostDocument, seconds: float, only: Sequence[str] = ()
    ) -> HookReport:
        """As over SSH. The report has no clock: how old it is when it comes is not known."""
        more = ["--only", ",".join(only)] if only else []
        ran = await self._host.hooks(action, more, json.dumps(spec, separators=(",", ":")), seconds)
        return answers.parse(self._host.name, action, ran.code, ran.out, ran.err)

    def reboot(self) -> None:
        """Reboot the host."""
        self._host.reboot()


async def _in_thread(work: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="run-command")
