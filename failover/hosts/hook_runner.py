"""The hooks on the hosts: the same zipapp everywhere, sent once, its JSON answer as a value."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from failover.bundle import zipapp
from failover.hosts.host_keys import PinnedKeys
from failover.hosts.ssh import SshHost, close_shared, loop
from failover.hosts.ssh.input import Input
from failover.model.host import hook_report as answers
from failover.model.host.hook_report import HookReport
from failover.model.host.host_spec import HostDocument
from failover.model.outcome import Failed
from failover.model.site import Client, Site, Transport
from failover.model.stack_output import Stack

if TYPE_CHECKING:
    from failover.hosts.run_command.calls import AgentCommands

_FOLDER = ".nfs-failover"
# EL8 has no python3 on the PATH by default, but always its platform-python.
_LAUNCH = 'exec sudo -n "$(command -v python3 || echo /usr/libexec/platform-python)" "$@"'
_RUN = f'test -s "$1" || exit 117; {_LAUNCH}'
# So many bytes are the hooks, and the rest is the spec, which may come later. They are written beside and
# renamed over, so that a broken connection leaves no half file under the name; the spec never stands in a
# command line. All of it is one line: a login's csh(1) takes no newline in quotes.
_SEND_AND_RUN = (
    'mkdir -p -m 0700 "${1%/*}" && head -c BYTES | base64 -d > "$1.$$" && mv -f "$1.$$" "$1" || exit 118; '
    + _LAUNCH
)
# of these two scripts; the hooks end with 0 to 3, sudo(8) and Python with 1 or 2
_MISSING, _NOT_WRITTEN = 117, 118


class StartedHooks:
    """Hooks that run on a host and wait for their spec: their start is over when it is known."""

    def __init__(self, given: Input, report: Future[HookReport]) -> None:
        self._given = given
        self._report = report

    def waiting(self) -> bool:
        """Whether they can still have it: not when the connection broke, or they ended."""
        return not self._report.done()

    def announce(self, spec: HostDocument) -> None:
        """Of `take-over`: the host holds ready what this spec needs, and its boot service waits."""
        self._given.add(json.dumps({"ready": spec}) + "\n")

    def answer(self, spec: HostDocument) -> HookReport:
        """What they come to with this spec. Raises as HookRunner.hooks does."""
        self._given.end(json.dumps(spec) + "\n")
        return self._report.result()

    def abandon(self) -> None:
        """They end, with nothing done: an input without a spec is refused."""
        self._given.end()


class HookRunner:
    """A host on which the hooks run as root, over SSH."""

    def __init__(self, ssh: SshHost) -> None:
        self.ssh = ssh

    def hooks(
        self, action: str, spec: HostDocument, deadline_seconds: float, only: Sequence[str] = ()
    ) -> HookReport:
        """Run `action` (hooks/cli.py names them) with the spec; raises Silent, Unknown, or Failed.

        `only`: of these layers; without it of all.
        """
        # twice: the hooks may first wait for another run on the host (hooks/host/lock.py), then do their own
        return loop.call(self.answer(action, spec, 2 * deadline_seconds + 30, only))

    def started(self, action: str, seconds: float) -> StartedHooks:
        """Start `action` now; it waits for its spec. `seconds`: from now to its answer."""
        given = Input()
        return StartedHooks(given, loop.begin(self._answer(action, given, seconds)))

    async def answer(
        self, action: str, spec: HostDocument, seconds: float, only: Sequence[str] = ()
    ) -> HookReport:
        """The same in the event loop; `seconds`: from the login to the answer. One round trip, and another
        one where the host does not have these hooks yet. Raises as `hooks` does."""
        return await self._answer(action, json.dumps(spec), seconds, only)

    async def _answer(
        self, action: str, given: str | Input, seconds: float, only: Sequence[str] = ()
    ) -> HookReport:
        words = ["hooks", f"{_FOLDER}/hooks-{zipapp.hooks_sha256()[:16]}.pyz", action, "--spec", "-"]
        words += ["--only", ",".join(only)] if only else []
        ran = await self.ssh.ran(["sh", "-c", _RUN, *words], seconds, stdin=given)
        if ran.code == _MISSING:
            sent = _encoded_hooks()
            script = _SEND_AND_RUN.replace("BYTES", str(len(sent)))
            ran = await self.ssh.ran(["sh", "-c", script, *words], seconds, stdin=given, first=sent)
        if ran.code == _NOT_WRITTEN:
            raise Failed(
                f"{self.ssh.name}: the hooks could not be written to {words[1]}: {ran.err.strip()}",
                f"make room in the login's home on {self.ssh.name}, then run the same command again",
            )
        report = answers.parse(self.ssh.name, action, ran.code, ran.out, ran.err)
        there = report.result.facts.get("time")
        return replace(report, ahead=there - time.time()) if isinstance(there, float) else report

    def reboot(self) -> None:
        """Reboot the host; the connection is dropped."""
        self.ssh.run(["sudo", "-n", "systemctl", "reboot", "--no-block"], 60)
        self.ssh.close()


@cache
def _encoded_hooks() -> str:
    return base64.b64encode(zipapp.hooks_bytes()).decode()


class Hosts:
    """The hosts of a site, one connection each, kept for the whole run."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.keys = PinnedKeys(site.runs / "known_hosts")
        self._open: dict[tuple[str, str, tuple[str, ...]], HookRunner] = {}
        self._commands: dict[str, AgentCommands] = {}

    def at(self, name: str, address: str) -> HookRunner:
        """The host of this name at this address, with the keys that are known for it now."""
        pinned = self.keys.of(address)
        identity = (name, address, pinned)
        if identity not in self._open:
            self._open[identity] = HookRunner(SshHost(name, address, self._site.ssh, pinned))
        return self._open[identity]

    def of_client(self, client: Client, stack: Stack, target: str) -> HookRunner:
        """The client as the site reaches it: over SSH, or by commands of OCI's agent.

        `target`: the server that is to serve it, which has the hooks with its data. Raises Usage for an OCI
        configuration that is not usable.
        """
        if client.transport is Transport.SSH:
            return self.at(client.name, client.address)
        # the agent's runner is a HookRunner itself
        from failover.hosts.run_command import calls, host, sources  # noqa: PLC0415

        site, compartment = self._site, self._site.run_command.compartment or stack.compartment_id
        if compartment not in self._commands:
            self._commands[compartment] = calls.AgentCommands(site.cloud, site.deadlines.api, compartment)
        identity = (client.name, client.instance_id or client.address, ("agent", target))
        if identity not in self._open:
            source = sources.of_hooks(stack, target, site.run_command.hooks_url)
            agent = host.AgentHost(
                client, self._commands[compartment], source, site.run_command.delivery_seconds
            )
            self._open[identity] = host.AgentRunner(agent)
        return self._open[identity]

    def close(self) -> None:
        """Close every connection."""
        for host in self._open.values():
            host.ssh.close()
        close_shared(self._site.ssh)
