"""Which checks there are, in the order in which they are shown."""

from __future__ import annotations

from failover.preflight import access, address, backups, capacity, hosts, image, target, volumes
from failover.preflight import terraform_checks as terraform
from failover.preflight.policies import ACTS
from failover.preflight.runner import HOST_SECONDS, Probe

_PLAN_SECONDS = 300.0

CLOUD = (
    Probe(access.AUTHENTICATION, access.authentication),
    Probe("calls", access.calls),
    Probe(target.NAME, target.look),
    Probe(image.NAME, image.look),
    Probe(capacity.NAME, capacity.look, advisory=True),
    Probe(address.NAME, address.look, advisory=True),
    Probe("volumes", volumes.states),
    Probe("attachments", volumes.attachments),
)
STATE = (
    Probe(terraform.LOCK, terraform.lock),
    Probe(terraform.RENDERED, terraform.rendered),
)
PLAN = Probe(terraform.PLAN, terraform.plan, _PLAN_SECONDS)
TARGET = Probe(hosts.TARGET, hosts.target, HOST_SECONDS)
HOSTS = (
    Probe(hosts.ACTIVE, hosts.active, HOST_SECONDS),
    Probe(hosts.CLIENTS, hosts.clients, HOST_SECONDS),
    Probe("metadata of volume groups", hosts.metadata_backup, HOST_SECONDS, advisory=True),
)
BACKUPS = Probe("backups", backups.look, advisory=True)


def alone(terraform_plan: bool) -> tuple[Probe, ...]:
    """All of them, for `preflight`."""
    return (*CLOUD, *STATE, *((PLAN,) if terraform_plan else ()), *HOSTS, TARGET, BACKUPS)


def of_a_run(old_server_serves: bool) -> tuple[Probe, ...]:
    """What can refuse a run. While the old server serves, Terraform's plan costs no outage."""
    return (*CLOUD, *STATE, *((PLAN,) if old_server_serves else ()))


def acting(launches: bool) -> tuple[str, ...]:
    """The operations of a run whose permission shows only when they are done."""
    launch = ("LaunchInstance", "CaptureConsoleHistory", "DeleteConsoleHistory")
    return tuple(o for o in ACTS if launches or o not in launch)
