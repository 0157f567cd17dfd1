"""Adopts a server from top to bottom: look, judge, write what changes, prove it. Start reading here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from failover.adopt import clients, observe, proof, site_text, texts, values
from failover.adopt.clients import ClientLook
from failover.adopt.site import AdoptedSite, adopted
from failover.checkout.active_file import ACTIVE_FILE
from failover.cloud.server_reads import ServerReads
from failover.hosts import descriptors
from failover.hosts.hook_runner import Hosts
from failover.model.outcome import Unknown, Usage
from failover.model.site import Site
from failover.paths import IMPORTS_FILE
from failover.stack.addresses import attachment
from failover.stack.runner import StackRunner
from failover.tfvars import hcl_reader, write

VARIABLES_FILE = "site.auto.tfvars"


@dataclass(frozen=True)
class Question:
    """Which server, and what a person adds to what can be read. Empty: not said."""

    instance_id: str = ""
    name: str = ""
    compartment_id: str = ""
    region: str = ""
    host: str = ""
    clients_file: Path | None = None
    successor: values.Successor | None = None
    yes: bool = False


@dataclass(frozen=True)
class Adoption:
    """What came of it. `servers`: all of the stack. `drifted`: something was written, or is to be seen to."""

    name: str
    servers: tuple[str, ...]
    drifted: bool


def adopt(question: Question, site: Site, runner: StackRunner, console: Console) -> Adoption:
    """Adopt the server of the question into the site's stack and site file.

    Raises Usage, Refused with nothing written, Unknown where the server itself could not be read: what the
    API tells is written then.
    """
    named = clients.read_file(question.clients_file) if question.clients_file else ()
    folder = site.terraform.directory
    existing = _existing(folder)
    reads = ServerReads(site.cloud, site.deadlines.api)
    server = observe.server_of(reads, _instance(question, reads, site, runner))
    observe.check_region(site, server.instance.region)
    known = values.server_name(existing, server.instance.id, server.instance.tags)
    console.print(f"{server.instance.name}: {len(server.volumes)} data volumes by the API", markup=False)
    primary = server.primary
    address = question.host or (primary.private_ip if primary else "")
    reading = observe.host_of(site, known or server.instance.name, address, server.system)
    if reading.host is None:
        console.print(f"{server.instance.name} was not read: {reading.reason}", markup=False)
    adopted_site = adopted(server, reading.host, values.volume_names(existing), known)
    wanted = values.merged(existing, adopted_site, question.successor)
    looks = _clients(adopted_site, reading.site, named)
    runner.init()
    recorded = runner.recorded()
    pending = {
        name: volume.attachment_id
        for name, volume in adopted_site.volumes.items()
        if attachment(name) not in recorded
    }
    drift = [*_drift(existing, adopted_site), *site_text.missing_mounts(site, looks)]
    _show(console, adopted_site, looks, drift)
    changes = _changes(adopted_site, wanted, existing, pending, reading.site, looks)
    written = write.write(changes, console, question.yes)
    if reading.host is None:
        raise Unknown(
            f"{adopted_site.name} was not read, so what lies on its volumes is not known: {reading.reason}",
            "what the API tells is written; let this machine log in to it (--host ADDRESS, [ssh] in the site "
            "file, its key in known_hosts), then run the same command again",
        )
    imported = proof.prove(runner, len(pending), folder / IMPORTS_FILE, console, question.yes)
    servers = tuple(wanted["servers"])
    return Adoption(adopted_site.name, servers, written or imported or bool(drift))


def _instance(question: Question, reads: ServerReads, site: Site, runner: StackRunner) -> str:
    """The OCID of the server that is meant; without any word, of the stack's active one."""
    if question.region:
        observe.check_region(site, question.region)
    if question.instance_id:
        return observe.checked_ocid(question.instance_id, "instance", "--instance")
    if question.name and question.compartment_id:
        place = question.compartment_id
        kind = "tenancy" if place.startswith("ocid1.tenancy.") else "compartment"
        return observe.instance_of(reads, question.name, observe.checked_ocid(place, kind, "--compartment"))
    if question.name or question.compartment_id:
        raise Usage(
            "--name and --compartment go together", "add the other one, or name the server by --instance"
        )
    runner.init()
    stack = runner.read()
    active = stack.servers[stack.active].instance_id
    if active is None:
        raise Usage(f"{stack.active}, the active server, has no instance", "name one with --instance")
    return active


def _existing(folder: Path) -> dict[str, Any]:
    """The variables that are written already; raises Usage for a file that cannot be read, or another that
    would overrule ours (Terraform takes the files in the order of their names)."""
    path = folder / VARIABLES_FILE
    variables = _variables_in(path) if path.exists() else {}
    if odd := values.misshapen(variables):
        raise Usage(f"{path}: {odd}", "correct that file; `terraform validate` reads it too")
    for other in sorted(folder.glob("*.auto.tfvars")):
        if other.name in (VARIABLES_FILE, ACTIVE_FILE):
            continue
        if both := sorted({"servers", "volumes", "storage"} & set(_variables_in(other))):
            raise Usage(
                f"{other} sets {', '.join(both)}, which adopt writes into {VARIABLES_FILE}",
                f"move them from {other.name} to {VARIABLES_FILE}, then adopt again",
            )
    if others := sorted(p.name for p in folder.glob("*.auto.tfvars.json")):
        raise Usage(
            f"{folder}/{others[0]} would overrule {VARIABLES_FILE}, which adopt writes",
            f"move its variables to {VARIABLES_FILE}, or take it away",
        )
    return variables


def _variables_in(path: Path) -> dict[str, Any]:
    try:
        return hcl_reader.read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Usage(f"{path}: {error}", "correct that file; `terraform validate` reads it too") from error


def _clients(adopted_site: AdoptedSite, site: Site, named: tuple[str, ...]) -> tuple[ClientLook, ...]:
    """What each client of the server, and of the file, has mounted of it."""
    server = adopted_site.server
    observed_clients = adopted_site.host.clients if adopted_site.host else {}
    many = clients.candidates(observed_clients, named, server.addresses)
    if not many or not site.ssh.reach:
        return ()
    descriptors.provide(len(many))
    roots = [e.path for e in adopted_site.storage.exports if e.fsid == 0] if adopted_site.storage else []
    names = [adopted_site.name, adopted_site.hostname or adopted_site.name, server.instance.name.lower()]
    hosts = Hosts(site)
    try:
        return clients.look(many, hosts, server.addresses, names, roots[0] if roots else None)
    finally:
        hosts.close()


def _changes(
    adopted_site: AdoptedSite,
    wanted: Mapping[str, Any],
    existing: Mapping[str, Any],
    pending: Mapping[str, str],
    site: Site,
    looks: tuple[ClientLook, ...],
) -> list[write.FileChange]:
    """The files, each with the text that it shall have. Variables that say the same stay as written."""
    folder = site.terraform.directory
    changes = [] if wanted == existing else [(folder / VARIABLES_FILE, texts.variables(wanted, adopted_site))]
    if _active(folder) != adopted_site.name:
        changes.append((folder / ACTIVE_FILE, texts.active(adopted_site.name)))
    changes.append((folder / IMPORTS_FILE, texts.imports(pending)))
    if site.file.exists():
        before = site.file.read_text(encoding="utf-8")
    else:
        access = site_text.Access(folder, site.cloud.config_file, site.cloud.profile, site.ssh.user)
        before = site_text.new(access, site.file.parent)
    changes.append((site.file, site_text.with_clients(before, site, looks)))
    return [write.FileChange(path, text) for path, text in changes]


def _active(folder: Path) -> str:
    """The server that active.auto.tfvars names; empty for none."""
    path = folder / ACTIVE_FILE
    return str(_variables_in(path).get("active_server", "")) if path.exists() else ""


def _drift(existing: Mapping[str, Any], adopted_site: AdoptedSite) -> list[str]:
    """What is written and the server does not have: it is kept, and said."""
    lines = []
    attached = {volume.volume_id for volume in adopted_site.volumes.values()}
    for name, volume in (existing.get("volumes") or {}).items():
        if (volume or {}).get("volume_id") not in (None, *attached):
            lines.append(f"volume {name} is in {VARIABLES_FILE} and not attached to {adopted_site.name}")
    if adopted_site.storage:
        mounts = {item.mount for item in adopted_site.storage.filesystems.values()}
        written = (existing.get("storage") or {}).get("filesystems") or {}
        for name, item in written.items():
            if item.get("mount") not in mounts:
                lines.append(
                    f"filesystem {name} ({item.get('mount')}) is in {VARIABLES_FILE} "
                    f"and not on {adopted_site.name}"
                )
    return lines


def _show(
    console: Console, adopted_site: AdoptedSite, looks: tuple[ClientLook, ...], drift: list[str]
) -> None:
    for note in adopted_site.notes:
        console.print(f"note: {note}", markup=False)
    for look in looks:
        if look.client is None:
            console.print(
                f"client {look.candidate.address}, {look.candidate.why}: {look.reason}", markup=False
            )
    if not adopted_site.keys:
        console.print(
            "missing: ssh_authorized_keys: neither the instance nor the server has a key", markup=False
        )
    for line in drift:
        console.print(f"drift: {line}", markup=False)
