"""What hosts read of the data, judged against what is known here and against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from failover.model.finding import Finding
from failover.model.observation import Observation
from failover.model.site import Client, ClientMount
from failover.verify import canaries
from failover.verify.canaries import Known, Manifest
from hooks.contract.result import PRESENT, Layer
from hooks.probe.canary import EXPORTS
from hooks.probe.canary_files import WRITTEN
from hooks.settings.settings import NAME as SETTINGS

ProbeResult = tuple[Layer, ...] | str
Served = dict[str, Manifest | None]
_READ_ONLY = "Read-only file system"
_NOT_ASKED = "data on "  # a client that gave no result tells nothing of the service
# exportfs(8) takes the first of two lines for a path and client, and ours come last
_OTHER_LINE = (
    "correct, or take out, the line in /etc/exports or /etc/exports.d of {} that has other options; then run "
    "the same command again"
)


def judge(
    observation: Observation, server: ProbeResult, clients: Mapping[Client, ProbeResult], known: Known
) -> tuple[Finding, ...]:
    """Every finding. A host's result is its layers, or why it gave none.

    Raises Failed when the operator's copy of the manifests is not readable.
    """
    if isinstance(server, str):
        return (Finding(f"data on {observation.target}", False, server),)
    before = known.read() if server else {}
    findings = [_folder(layer, before, observation.target, known) for layer in server]
    right = {f.subject for f in findings if f.ok}
    served = {_path(x): canaries.parse(x.facts.get("manifest")) for x in server if x.layer in right}
    return (
        *findings,
        *_of_the_service(f for c, answer in clients.items() for f in _client(c, answer, observation, served)),
    )


def _of_the_service(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """A fault on every probed client is a fault of the service, not of the clients."""
    every = tuple(findings)
    if any(f.ok for f in every):
        return every
    return tuple(replace(f, client=f.client and f.subject.startswith(_NOT_ASKED)) for f in every)


def _path(layer: Layer) -> str:
    return layer.layer.partition(" ")[2]


def _folder(layer: Layer, before: Mapping[str, Manifest], server: str, known: Known) -> Finding:
    if layer.layer in (EXPORTS, SETTINGS):
        mend = _OTHER_LINE.format(server) if layer.layer == EXPORTS and layer.state != PRESENT else ""
        return Finding(layer.layer, layer.state == PRESENT, layer.message, mend)
    path = _path(layer)
    if "manifest" not in layer.facts:  # it could not be read
        return Finding(layer.layer, False, layer.message, canaries.remedy(server, path, known))
    manifest = canaries.parse(layer.facts["manifest"])
    if wrong := canaries.objection(manifest, before.get(path)):
        return Finding(layer.layer, False, wrong, canaries.remedy(server, path, known))
    if manifest is None:
        return Finding(layer.layer, True, canaries.NONE_YET)
    compared = "as last known here" if path in before else "no earlier canary is known here to compare with"
    return Finding(
        layer.layer, True, f"{manifest.describe(datetime.now(UTC))}, read from the disk; {compared}"
    )


def _client(
    client: Client, answer: ProbeResult, observation: Observation, served: Served
) -> Iterator[Finding]:
    if isinstance(answer, str):
        yield Finding(f"{_NOT_ASKED}{client.name}", False, answer, client=True)
        return
    mounts = {mount.mount: mount for mount in client.mounts}
    for layer in answer:
        ok, text = _mount(layer, mounts[_path(layer)], observation, served)
        yield Finding(f"{layer.layer} on {client.name}", ok, text, client=True)


def _mount(layer: Layer, mount: ClientMount, observation: Observation, served: Served) -> tuple[bool, str]:
    if "manifest" not in layer.facts:
        return False, layer.message
    manifest, wrote = canaries.parse(layer.facts["manifest"]), layer.facts["write"]
    expected = served.get(mount.path)
    if manifest is None and expected is None:
        return True, "neither read nor written: no canaries on it"
    if wrong := canaries.objection(manifest, expected):
        return False, f"not what {observation.target} has in {mount.path}: {wrong}"
    read = f"{len(manifest.files) if manifest else 0} canaries read over NFS"
    if layer.state == PRESENT and wrote == WRITTEN:
        return True, f"{read}; a file written, read back and removed"
    if wrote == _READ_ONLY and _exported_read_only(observation, mount.path):
        return True, f"{read}; exported read-only"
    return False, f"{read}, but a write: {wrote}"


def _exported_read_only(observation: Observation, path: str) -> bool:
    exports = {
        str(e["path"]): str(e["options"]).split(",") for e in observation.stack.spec.get("exports", [])
    }
    return "rw" not in exports.get(path, ["rw"])  # exports(5): ro is the default
