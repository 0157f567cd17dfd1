"""Which checks there are, in the order in which they are shown."""

from __future__ import annotations

from dataclasses import replace

from failover.preflight.checks.cloud import (
    access,
    address,
    backups,
    capacity,
    image,
    networks,
    service_address,
    target,
    volumes,
)
from failover.preflight.checks.hosts import answering, canaries, ready, standby, survey
from failover.preflight.checks.operator import disk, own_mounts, terraform
from failover.preflight.context import Ground
from failover.preflight.policies import ACTS
from failover.preflight.runner import API_SECONDS, HOST_SECONDS, Probe

_PLAN_SECONDS = 300.0

CLOUD = (
    Probe(target.NAME, target.look),
    Probe(image.NAME, image.look),
    Probe(capacity.NAME, capacity.look, advisory=True),
    Probe(address.NAME, address.look, advisory=True),
    Probe(service_address.NAME, service_address.look, advisory=True),
    Probe("volumes", volumes.states),
    Probe("attachments", volumes.attachments),
)
STATE = (
    Probe(own_mounts.NAME, own_mounts.look),
    Probe(disk.NAME, disk.look),
    Probe(terraform.LOCK, terraform.lock),
    Probe(terraform.ENVIRONMENT, terraform.environment),
    Probe(terraform.RENDERED, terraform.rendered),
)
PLAN = Probe(terraform.PLAN, terraform.plan, _PLAN_SECONDS)
TARGET = Probe(answering.TARGET, answering.target, HOST_SECONDS)
HOSTS = (
    Probe(answering.ACTIVE, answering.active, HOST_SECONDS),
    Probe(answering.CLIENTS, answering.clients, HOST_SECONDS),
    Probe("metadata of volume groups", answering.metadata_backup, HOST_SECONDS, advisory=True),
)
SURVEYS = (
    Probe(survey.ACTIVE, survey.active, HOST_SECONDS, advisory=True),
    Probe(survey.TARGET, survey.target, HOST_SECONDS, advisory=True),
)
IMAGE = Probe(image.DRIFT, image.compare, HOST_SECONDS, advisory=True)
STANDBY = Probe(standby.NAME, standby.look, HOST_SECONDS, advisory=True)
NETWORKS = Probe(networks.NAME, networks.look, HOST_SECONDS)
CANARIES = Probe(canaries.NAME, canaries.refresh, HOST_SECONDS)
READY = Probe(ready.NAME, ready.refresh, HOST_SECONDS, advisory=True)
BACKUPS = Probe("backups", backups.look, advisory=True)


def alone(ground: Ground, terraform_plan: bool) -> tuple[Probe, ...]:
    """All of them, for `preflight`."""
    of_hosts = (
        (*HOSTS, NETWORKS, TARGET, *SURVEYS, STANDBY, IMAGE)
        if ground.site.ssh.reach
        else (Probe(answering.UNREACHED, answering.unreached),)
    )
    return (*_cloud(ground), *STATE, *((PLAN,) if terraform_plan else ()), *of_hosts, BACKUPS)


def of_a_run(ground: Ground, old_server_serves: bool) -> tuple[Probe, ...]:
    """What can refuse a run. While the old server serves, Terraform's plan costs no outage."""
    surveys = (NETWORKS, *SURVEYS) if ground.site.ssh.reach else ()
    chosen = (*_cloud(ground), *STATE, *((PLAN,) if old_server_serves else ()), *surveys)
    return tuple(replace(p, deadline_seconds=max(p.deadline_seconds, API_SECONDS)) for p in chosen)


def _cloud(ground: Ground) -> tuple[Probe, ...]:
    return (Probe(access.AUTHENTICATION, access.authentication), *access.calls(ground), *CLOUD)


def acting(launches: bool) -> tuple[str, ...]:
    """The operations of a run whose permission shows only when they are done."""
    launch = ("LaunchInstance", "CaptureConsoleHistory", "DeleteConsoleHistory")
    return tuple(o for o in ACTS if launches or o not in launch)
