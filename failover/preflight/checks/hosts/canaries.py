"""The canaries: read, compared, only then refreshed; and the hooks for a boot, with the data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from failover.hosts import specs
from failover.hosts.hook_runner import HookRunner
from failover.hosts.ssh import Silent
from failover.model.host.host_spec import ServerDocument
from failover.model.observation import Presence, ServerStatus
from failover.model.outcome import Refused
from failover.preflight.check import Check, blocking, ok, warning
from failover.preflight.checks.hosts import boot
from failover.preflight.context import Ground
from failover.runs.site_lock import site_lock
from failover.verify import canaries
from failover.verify.canaries import Known
from hooks.contract.result import PRESENT, Layer
from hooks.host import places
from hooks.probe import kept
from hooks.probe.canary import EXPORTS, STORAGE
from hooks.settings.settings import NAME as SETTINGS

NAME = "canaries"
COPIES = f"{kept.NAME} "
_EXPECTED = "canaries as they were written"
_BY_CONSOLE = "look at the active server; until then an apply in the console may not complete by itself"


def refresh(ground: Ground) -> Iterator[Check]:
    """For each folder of the active server; refreshed only when what was read may be the known data."""
    server = ground.server(ground.stack.active)
    name, address = server.server.name, server.server.address
    if address is None or not _has_the_data(server):
        text = f"not refreshed: {name} does not have the volumes mounted as specified"
        yield warning(NAME, text, _EXPECTED, "look at the check of the active server")
        return
    spec = specs.server_spec(ground.stack, _held(ground), ground.site.deadlines.hooks)
    try:
        with site_lock(ground.site.runs):
            yield from _refreshed(ground, ground.host(server.server, address), spec)
    except Refused as error:
        yield warning(NAME, f"not refreshed: {error.reason}", _EXPECTED, error.remedy)
    except Silent as error:
        yield warning(NAME, f"not refreshed: {error}", _EXPECTED, "look at the active server, then try again")


def _has_the_data(server: ServerStatus) -> bool:
    """By its own check; that all else is as specified does not matter here."""
    states = {x.layer: x.state for x in server.answer.layers} if server.answer else {}
    return server.presence is Presence.ANSWERS and all(states.get(x) == PRESENT for x in STORAGE)


def _held(ground: Ground) -> dict[str, Any]:
    active = ground.stack.servers[ground.stack.active]
    return ground.every_attachment().held_by(active.instance_id)


def _refreshed(ground: Ground, host: HookRunner, spec: ServerDocument) -> Iterator[Check]:
    known, seconds = Known(ground.site.runs), ground.site.deadlines.hooks
    before = known.read()
    looked = [x for x in host.hooks("probe", spec, seconds).layers if _of_data(x)]
    wrong = {path: text for x in looked if (text := _wrong(x, before.get(path := _path(x))))}
    if wrong:  # canaries beside damaged data are evidence: they stay as they are
        for path, text in wrong.items():
            yield blocking(f"data {path}", text, _EXPECTED, canaries.remedy(host.ssh.name, path, known))
        return
    refreshed = host.hooks("refresh", spec, seconds).layers
    manifests = {_path(x): canaries.parse(x.facts.get("manifest")) for x in refreshed if _of_data(x)}
    known.keep({path: one for path, one in manifests.items() if one})
    for layer in refreshed:
        if _of_data(layer):
            yield _refresh_check(layer, manifests[_path(layer)])
        elif layer.layer == SETTINGS:
            yield judge_settings(layer, host.ssh.name)
    copies = [layer for layer in refreshed if layer.layer.startswith(COPIES)]
    yield from (judge_copy(layer) for layer in copies)
    yield from boot.look(ground, {sha for layer in copies for sha in with_data(layer)})


def with_data(layer: Layer) -> list[str]:
    """SHA-256 of the hooks that lie in this place, where another server will find them."""
    sums = layer.facts.get("sha256", [])
    on_disk = _path(layer) == places.DISK
    return [str(one) for one in sums] if isinstance(sums, list) and not on_disk else []


def _of_data(layer: Layer) -> bool:
    return layer.layer not in (EXPORTS, SETTINGS) and not layer.layer.startswith(COPIES)


def judge_copy(layer: Layer) -> Check:
    """The hooks in one place, for a server that starts without an operator."""
    if layer.state == PRESENT:
        return ok(layer.layer, layer.message)
    actual = f"not written: {layer.message}"
    return warning(layer.layer, actual, "the hooks that a new server's loader looks for", _BY_CONSOLE)


def judge_settings(layer: Layer, server: str) -> Check:
    """The copy of the settings; what is left out of it is the survey's to say."""
    if layer.state == PRESENT:
        return ok(SETTINGS, layer.message)
    reason, _, remedy = layer.message.partition("; ")
    expected = f"a copy of the settings of {server} with the data"
    return warning(SETTINGS, f"not kept: {reason}", expected, remedy or f"look at {server}")


def _path(layer: Layer) -> str:
    return layer.layer.partition(" ")[2]


def _wrong(layer: Layer, before: canaries.Manifest | None) -> str:
    if "manifest" not in layer.facts:
        return layer.message
    return canaries.objection(canaries.parse(layer.facts["manifest"]), before)


def _refresh_check(layer: Layer, manifest: canaries.Manifest | None) -> Check:
    if manifest:
        return ok(layer.layer, f"{manifest.describe(datetime.now(UTC))}: refreshed")
    return warning(layer.layer, f"not refreshed: {layer.message}", _EXPECTED, "look at the active server")
