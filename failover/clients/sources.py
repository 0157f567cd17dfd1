"""Where a list of hosts comes from: a file, standard input, Slurm, OCI's API, or the server's own record."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from failover.clients import lists
from failover.clients.lists import Named
from failover.model.host.host_spec import no_layers
from failover.model.outcome import Failed, Unknown, Usage
from failover.model.stack_output import Stack

if TYPE_CHECKING:  # the SDK and asyncssh take a second to import
    from failover.ports import Ports

_SECONDS = 60.0
_SINFO = ["sinfo", "-N", "-h", "-o", "%N"]  # whatever SINFO_FORMAT says
_NO_SPEC = no_layers(int(_SECONDS))


@dataclass(frozen=True)
class ClientSource:
    """One of these; none: the clients of the site.

    `nodes`: a nodeset. `file`: hosts or nodesets, a line each. `inventory`: of Ansible, and its `group`.
    `slurm`: `sinfo`, a node list, or - for standard input. `tag`: KEY=VALUE of instances in `compartment`
    (empty: the stack's). `from_server`: the clients that nfsd on the active server sees (--seen).
    """

    nodes: str = ""
    file: str = ""
    inventory: str = ""
    group: str = ""
    slurm: str = ""
    tag: str = ""
    compartment: str = ""
    from_server: bool = False

    @property
    def given(self) -> list[str]:
        """The options that were given."""
        options = {
            "--nodes": self.nodes,
            "--file": self.file,
            "--inventory": self.inventory,
            "--slurm": self.slurm,
            "--tag": self.tag,
            "--seen": self.from_server,
        }
        return [option for option, value in options.items() if value]


def check(source: ClientSource) -> None:
    """Raise Usage for several sources at once, and for an option that none of them has."""
    if len(source.given) > 1:
        raise Usage(f"{' and '.join(source.given)}: expected one source of hosts", "choose one of them")
    if source.group and not source.inventory:
        raise Usage("--group names a group of --inventory, which is not there", "add --inventory FILE")
    if source.compartment and not source.tag:
        raise Usage("--compartment goes with --tag KEY=VALUE", "add --tag, or leave it out")
    if source.tag and not all(source.tag.partition("=")):
        raise Usage(f"--tag {source.tag}: expected KEY=VALUE", "name a freeform tag and its value")


def local(source: ClientSource) -> list[Named] | None:
    """The hosts of a source that needs neither the cloud nor a server; None for another one. Raises Usage."""
    if source.nodes:
        return lists.of_nodes(source.nodes, "--nodes")
    if source.file:
        return lists.of_text(_read(source.file, "--file"), source.file)
    if source.inventory:
        return lists.of_inventory(_read(source.inventory, "--inventory"), source.inventory, source.group)
    if source.slurm:
        read = lists.of_slurm if source.slurm in ("-", "sinfo") else lists.of_nodes
        return read(_slurm(source.slurm), "--slurm")
    return None


def remote(source: ClientSource, ports: Ports, stack: Stack) -> list[Named] | None:
    """The hosts that the cloud or the active server knows; None for another source. Raises FailoverError."""
    if source.tag:
        return _tagged(source, ports, source.compartment or stack.compartment_id)
    return _from_server(ports, stack) if source.from_server else None


def _read(name: str, option: str) -> str:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError) as error:
        raise Usage(f"{option} {name}: not readable: {error}", "name a text file") from error
    return text.removeprefix("\ufeff")  # as editors on Windows begin a file


def _slurm(text: str) -> str:
    if text == "-":
        return _read("-", "--slurm")
    if text != "sinfo":
        return text
    try:
        done = subprocess.run(
            _SINFO, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Usage(
            f"`{' '.join(_SINFO)}`: {error}", "run it where Slurm is, and give its output to --slurm -"
        ) from error
    if done.returncode:
        raise Failed(
            f"`{' '.join(_SINFO)}` ended with {done.returncode}: {done.stderr.strip()}", "look at Slurm"
        )
    return done.stdout


def _tagged(source: ClientSource, ports: Ports, compartment: str) -> list[Named]:
    key, _, value = source.tag.partition("=")
    live = [i for i in ports.reads.instances(compartment) if i.state == "RUNNING" and (key, value) in i.tags]
    if not live:
        raise Usage(
            f"no RUNNING instance of {compartment} has the freeform tag {source.tag}",
            "look at the tag's spelling, and at --compartment",
        )
    addresses = ports.reads.primary_addresses(compartment, [i.id for i in live])
    where = f"instances with {source.tag}"
    return [Named(i.name, addresses.get(i.id, ""), where) for i in live]


def _from_server(ports: Ports, stack: Stack) -> list[Named]:
    server = stack.servers[stack.active]
    if server.address is None:
        raise Unknown(f"{server.name} has no known address", "look at its VNIC in the console")
    report = ports.hosts.at(server.name, server.address).hooks("inventory", _NO_SPEC, _SECONDS)
    own = set(server.addresses) | {"127.0.0.1", "::1"}
    return [
        Named(a, a, f"seen by {server.name} ({', '.join(w)})")
        for a, w in report.observed_clients.items()
        if a not in own
    ]
