"""What preflight would say of a site of the model: what blocks on every host, before anything moves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from failover.hosts.survey import uuids
from failover.model.host.hook_report import HookReport
from failover.preflight.check import CheckResult as Level
from failover.preflight.checks.hosts import survey as preflight
from hooks import walk
from hooks.contract.result import UNKNOWN, HookResult, Layer
from hooks.contract.spec import ServerSpec
from hooks.survey.survey import survey
from tests.model.layouts import ClientLayout, SiteLayout
from tests.model.site import Site
from tests.model.story import client_spec, server_spec


class Judgement(NamedTuple):
    """What blocks the service, and each client by its name."""

    service: list[str]
    clients: dict[str, list[str]]


def judge(
    site: Site, layout: SiteLayout, of_clients: Iterable[ClientLayout], old: str, new: str
) -> Judgement:
    """Asks both servers and these clients, as preflight does. Raises AssertionError when it wrote."""
    before = {name: _written(site, name) for name in site.hosts}
    spec = server_spec(site, layout)
    assert isinstance(spec, ServerSpec)
    active = _surveyed(site, old, spec)
    learnt = uuids(active)
    known = [item._replace(uuid=item.uuid or learnt.get(item.mount)) for item in spec.filesystems]
    target = _surveyed(site, new, spec._replace(filesystems=tuple(known)))
    clients = {client.name: _of_client(site, layout, client, new) for client in of_clients}
    assert {name: _written(site, name) for name in site.hosts} == before
    return Judgement(_blocking(active) + _blocking(target), clients)


def _surveyed(site: Site, name: str, spec: ServerSpec) -> HookReport:
    site.hosts[name].begin()
    found = survey(site.hosts[name], spec, ())
    return HookReport(name, HookResult("survey", "server", name, True, False, 0.0, "", tuple(found)))


def _blocking(answer: HookReport) -> list[str]:
    checks = [check for check in preflight.judge(answer) if check.outcome is Level.BLOCKING]
    return [f"{answer.host}: {check.actual}; {check.remedy}" for check in checks]


def _of_client(site: Site, layout: SiteLayout, client: ClientLayout, server: str) -> list[str]:
    host = site.hosts[client.name]
    host.begin()
    return refusals(walk.check(host, client_spec(layout, client, server), ()))


def refusals(found: list[Layer]) -> list[str]:
    """What keeps a run from bringing a client over; one that could not be asked is left alone, too."""
    texts: list[str] = []
    for layer in found:
        said = layer.facts.get("refusals", [])
        assert isinstance(said, list), said
        texts += said or ([f"unknown: {layer.message}"] if layer.state == UNKNOWN else [])
    return texts


def _written(site: Site, name: str) -> list[str | None]:
    files = ["/etc/fstab", "/etc/exports", "/var/lib/nfs/etab", "/proc/self/mountinfo"]
    return [site.hosts[name].read(file) for file in files]
