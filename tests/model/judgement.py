"""What preflight would say of a site of the model: the refusals of every host, before anything moves."""

from __future__ import annotations

from typing import NamedTuple

from hooks import layers
from hooks.result import UNKNOWN, Layer
from hooks.survey import survey
from tests.model.building import NEW, OLD
from tests.model.layouts import SiteLayout
from tests.model.site import Site
from tests.model.story import client_spec, server_spec


class Judgement(NamedTuple):
    """Refusals of the service, and of each client by its name."""

    service: list[str]
    clients: dict[str, list[str]]


def judge(site: Site, layout: SiteLayout) -> Judgement:
    """Asks every host; a layer that could not tell is a refusal, too. Writes nothing: that is asserted."""
    spec = server_spec(site, layout)
    before = {name: _written(site, name) for name in site.hosts}
    service = []
    for name in (OLD, NEW):
        site.hosts[name].begin()
        service += [f"{name}: {text}" for text in refusals(survey(site.hosts[name], spec, ()))]
    clients = {}
    for client in layout.clients:
        host = site.hosts[client.name]
        host.begin()
        clients[client.name] = refusals(layers.check(host, client_spec(layout, client, NEW), ()))
    assert {name: _written(site, name) for name in site.hosts} == before
    return Judgement(service, clients)


def refusals(found: list[Layer]) -> list[str]:
    """As preflight blocks by them."""
    texts: list[str] = []
    for layer in found:
        said = layer.facts.get("refusals", [])
        assert isinstance(said, list), said
        texts += said or ([f"unknown: {layer.message}"] if layer.state == UNKNOWN else [])
    return texts


def _written(site: Site, name: str) -> list[str | None]:
    files = ["/etc/fstab", "/etc/exports", "/var/lib/nfs/etab", "/proc/self/mountinfo"]
    return [site.hosts[name].read(file) for file in files]
