"""What a site is, as values; failover/command/site_file.py makes them of site.toml."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class TerraformAccess:
    """Where Terraform runs, and the environment it gets beside the operator's own.

    `stack_id`: the Resource Manager stack that is used in its place; empty for the folder. `checkout`: the
    Git folder that the site also names; its active.auto.tfvars is kept up to date.
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

    None: not set in the site file; ssh(1)'s own setting on this machine counts. `reach` False: hosts cannot
    be reached from here (a hosted CI runner), and no connection to them is tried.
    """

    user: str | None
    identity_file: Path | None
    config_file: Path | None
    known_hosts: Path | None
    connect_seconds: float
    reach: bool = True


class ClientMode(enum.StrEnum):
    """How a client is brought over: its mounts are moved while it runs, or it is rebooted."""

    REMOUNT = "remount"
    REBOOT = "reboot"


class Transport(enum.StrEnum):
    """How a client is reached: over SSH, or by commands of OCI's Compute Instance Agent."""

    SSH = "ssh"
    RUN_COMMAND = "run-command"


@dataclass(frozen=True)
class CommandAccess:
    """How commands of OCI's agent reach clients.

    `compartment`: of the clients' instances; empty: the stack's. `hooks_url`: where a client may get the
    hooks (their SHA-256 is pinned); empty: with the data alone. `delivery_seconds`: how long a command may
    wait for the agent.
    """

    compartment: str = ""
    hooks_url: str = ""
    delivery_seconds: float = 120.0


@dataclass(frozen=True)
class ClientMount:
    """One NFS mount of a client: the exported `path` of the server, mounted at `mount`."""

    path: str
    mount: str


@dataclass(frozen=True)
class Client:
    """An NFS client that is remediated and verified.

    `instance_id`: its instance's OCID, for commands; empty: looked up by its address or name.
    """

    name: str
    address: str
    mounts: tuple[ClientMount, ...]
    transport: Transport = Transport.SSH
    instance_id: str = ""


@dataclass(frozen=True)
class Deadlines:
    """Seconds after which a wait is given up. A bare-metal launch takes many minutes."""

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
class Objectives:
    """What the site demands of itself; None: nothing is demanded. Days: how old the newest may be."""

    outage_seconds: float | None = None
    preflight_days: float | None = None
    rehearsal_days: float | None = None
    image_days: float | None = None


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
    objectives: Objectives = field(default_factory=Objectives)
    run_command: CommandAccess = field(default_factory=CommandAccess)
