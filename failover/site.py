"""The site: site.toml, which says where the stack, the cloud, the SSH access and the clients are."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from failover import names
from failover.outcome import Usage

ENVIRONMENT_VARIABLE = "NFS_FAILOVER_SITE"
DEFAULT = Path("site.toml")


@dataclass(frozen=True)
class TerraformAccess:
    """Where Terraform runs, and the environment it gets beside the operator's own.

    `stack_id`: the Resource Manager stack that is used in its place; empty for the folder. `checkout`: the
    folder that the site names all the same; its active.auto.tfvars is kept up to date.
    """

    directory: Path
    environment: Mapping[str, str]
    stack_id: str = ""
    checkout: Path | None = None


@dataclass(frozen=True)
class CloudAccess:
    """An OCI configuration file and profile; `endpoint` replaces every service's own address when set."""

    config_file: Path
    profile: str
    endpoint: str


@dataclass(frozen=True)
class SshAccess:
    """How hosts are reached. `config_file` may hold ProxyJump/ProxyCommand lines for a bastion.

    `reach` False: not at all from here (a hosted CI runner); hosts are neither asked nor told anything.
    """

    user: str
    identity_file: Path | None
    config_file: Path | None
    known_hosts: Path
    connect_seconds: float
    reach: bool = True


@dataclass(frozen=True)
class ClientMount:
    """One NFS mount of a client: the exported `path` of the server, mounted at `mount`."""

    path: str
    mount: str


@dataclass(frozen=True)
class Client:
    """An NFS client that is remediated and verified over SSH."""

    name: str
    address: str
    mounts: tuple[ClientMount, ...]


@dataclass(frozen=True)
class Deadlines:
    """Seconds after which a wait is given up. A bare-metal launch takes many minutes (facts of OCI)."""

    launch: float = 2700.0
    power: float = 1200.0
    switch: float = 2400.0
    boot: float = 1800.0
    hooks: float = 300.0
    client: float = 120.0
    client_reboot: float = 900.0
    api: float = 60.0
    interrupt: float = 120.0


@dataclass(frozen=True)
class PreflightLimits:
    """Ages in days above which `preflight` warns."""

    image_age_days: float = 90.0
    backup_age_days: float = 7.0


@dataclass(frozen=True)
class Site:
    """Everything a run needs to know before it looks at anything. Made by `load`."""

    file: Path
    terraform: TerraformAccess
    cloud: CloudAccess
    ssh: SshAccess
    clients: tuple[Client, ...]
    runs: Path
    deadlines: Deadlines = field(default_factory=Deadlines)
    preflight: PreflightLimits = field(default_factory=PreflightLimits)


def load(given: str | None = None) -> Site:
    """The site named on the command line, by $NFS_FAILOVER_SITE, or ./site.toml; raises Usage."""
    path = Path(given or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT).expanduser().absolute()
    if not path.exists():
        raise Usage(
            f"no site is configured: {path} does not exist",
            "rehearse with `./inv drill`, or copy docs/site.example.toml to site.toml and fill it in",
        )
    try:
        return parse(tomllib.loads(path.read_text()), path)
    except tomllib.TOMLDecodeError as error:
        raise Usage(f"{path}: not valid TOML: {error}", "compare it with docs/site.example.toml") from error


def parse(document: Mapping[str, Any], file: Path) -> Site:
    """A Site out of the parsed TOML; relative paths are taken from the file's folder. Raises Usage."""
    known = {"terraform", "oci", "ssh", "clients", "runs", "deadlines", "preflight"}
    if unknown := sorted(set(document) - known):
        raise Usage(f"{file}: unknown table {unknown[0]!r}", f"known tables: {', '.join(sorted(known))}")
    base = file.parent
    return Site(
        file=file,
        terraform=_terraform(_table(document, "terraform"), base),
        cloud=_cloud(_table(document, "oci"), base),
        ssh=_ssh(_table(document, "ssh"), base),
        clients=tuple(_client(entry, i) for i, entry in enumerate(document.get("clients", []))),
        runs=_path(_table(document, "runs").get("directory", "runs"), base),
        deadlines=_deadlines(_table(document, "deadlines")),
        preflight=_preflight(_table(document, "preflight")),
    )


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise Usage(f"site: [{name}] must be a table", "compare it with docs/site.example.toml")
    return table


def _path(value: object, base: Path) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise Usage(f"site: found {value!r}, expected a file or folder name", "correct the site file")
    return base / Path(value).expanduser()


def _terraform(table: Mapping[str, Any], base: Path) -> TerraformAccess:
    environment = {str(k): str(v) for k, v in table.get("environment", {}).items()}
    directory = _path(table.get("directory", "terraform"), base)
    stack_id = table.get("stack_id", "")
    return TerraformAccess(
        directory,
        environment,
        stack_id=names.stack_id(stack_id, "terraform.stack_id") if stack_id else "",
        checkout=directory if "directory" in table else None,
    )


def _cloud(table: Mapping[str, Any], base: Path) -> CloudAccess:
    return CloudAccess(
        config_file=_path(table.get("config_file", "~/.oci/config"), base),
        profile=str(table.get("profile", "DEFAULT")),
        endpoint=str(table.get("endpoint", "")),
    )


def _ssh(table: Mapping[str, Any], base: Path) -> SshAccess:
    optional = {k: _path(table[k], base) if k in table else None for k in ("identity_file", "config_file")}
    return SshAccess(
        user=names.user(table.get("user", "opc"), "ssh.user"),
        identity_file=optional["identity_file"],
        config_file=optional["config_file"],
        known_hosts=_path(table.get("known_hosts", "~/.ssh/known_hosts"), base),
        connect_seconds=_seconds(table.get("connect_seconds", 10), "ssh.connect_seconds"),
        reach=_flag(table.get("reach", True), "ssh.reach"),
    )


def _client(entry: Mapping[str, Any], index: int) -> Client:
    where = f"clients[{index}]"
    name = names.hostname(entry.get("name"), f"{where}.name")
    mounts = tuple(
        ClientMount(
            names.absolute_path(m.get("path"), f"{where}.mounts.path"),
            names.absolute_path(m.get("mount"), f"{where}.mounts.mount"),
        )
        for m in entry.get("mounts", [])
    )
    if not mounts:
        raise Usage(
            f"{where} ({name}): no mounts", 'add mounts = [{ path = "/mnt/a", mount = "/mnt/nfs/a" }]'
        )
    return Client(name, names.address(entry.get("address", name), f"{where}.address"), mounts)


def _deadlines(table: Mapping[str, Any]) -> Deadlines:
    known = Deadlines.__dataclass_fields__
    if unknown := sorted(set(table) - set(known)):
        raise Usage(f"deadlines: unknown {unknown[0]!r}", f"known: {', '.join(known)}")
    return Deadlines(**{k: _seconds(v, f"deadlines.{k}") for k, v in table.items()})


def _preflight(table: Mapping[str, Any]) -> PreflightLimits:
    known = PreflightLimits.__dataclass_fields__
    if unknown := sorted(set(table) - set(known)):
        raise Usage(f"preflight: unknown {unknown[0]!r}", f"known: {', '.join(known)}")
    return PreflightLimits(**{k: _positive(v, f"preflight.{k}", "days") for k, v in table.items()})


def _seconds(value: object, where: str) -> float:
    return _positive(value, where, "seconds")


def _flag(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    raise Usage(f"{where}: found {value!r}, expected true or false", f"correct {where}")


def _positive(value: object, where: str, unit: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    raise Usage(f"{where}: found {value!r}, expected a positive number of {unit}", f"correct {where}")
