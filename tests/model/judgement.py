"""What preflight would say of a site of the model: the refusals of every host, before anything moves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hooks import layers
from hooks.result import UNKNOWN, Layer
from hooks.survey import survey
from tests.model.layouts import ClientLayout, SiteLayout
from tests.model.site import Site
from tests.model.story import client_spec, server_spec


class Judgement(NamedTuple):
    """Refusals of the service, and of each client by its name."""

    service: list[str]
    clients: dict[str, list[str]]


def judge(
    site: Site, layout: SiteLayout, of_clients: Iterable[ClientLayout], old: str, new: str
) -> Judgement:
    """Asks both servers and these clients; a layer that could not tell is a refusal, too.

    Raises AssertionError when a judgement wrote something.
    """
    spec = server_spec(site, layout)
    before = {name: _written(site, name) for name in site.hosts}
    service = []
    for name in (old, new):
        site.hosts[name].begin()
        service += [f"{name}: {text}" for text in refusals(survey(site.hosts[name], spec, ()))]
    clients = {}
    for client in of_clients:
        host = site.hosts[client.name]
        host.begin()
        clients[client.name] = refusals(layers.check(host, client_spec(layout, client, new), ()))
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
