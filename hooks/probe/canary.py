"""Reads and writes through the service: a server's canaries, and a client's way to them. For verification.

Canaries (canary_files.py) lie in the root of each filesystem and in each exported folder, which is what
clients mount. A server writes and reads them, a client reads them over NFS and writes a file of its own.
"""

import os
import re
from functools import partial
from typing import List, NamedTuple, Optional, Sequence

from hooks import walk
from hooks.client import view as client_view
from hooks.client.run import mounted_right
from hooks.client.view import ClientView
from hooks.contract.client_spec import ClientSpec
from hooks.contract.fields import SpecError
from hooks.contract.result import ABSENT, BROKEN, PRESENT, Facts, Layer
from hooks.contract.spec import Filesystem, ServerSpec, Spec, filesystem_of
from hooks.hints.export_options import contradictions
from hooks.hints.kernel_log import complaints
from hooks.host import mounted_folder
from hooks.host.host import CommandFailed, HookRefused, Host
from hooks.layers import filesystem, lvm
from hooks.layers.devices import node
from hooks.probe import canary_files, settings
from hooks.probe.canary_files import FOLDER, WRITTEN, Manifest
from hooks.probe.child import run_in_child

SECONDS = 30.0
# In the grace of an nfsd that has just started a client's open waits (RFC 8881, 8.4.2): 90 s where nobody has
# set its time (nfsd(7)).
CLIENT_SECONDS = 100.0
EXPORTS = "exports"
STORAGE = (lvm.NAME, filesystem.NAME)
_ANONYMOUS_UID = 65534  # whom a client's root is, unless `anonuid=` names another (exports(5))


class CanaryFolder(NamedTuple):
    """A folder with canaries, the filesystem it must lie on, and the uid that writes there, if any."""

    path: str
    filesystem: Filesystem
    writer: Optional[int]


def places(spec: ServerSpec) -> List[CanaryFolder]:
    """Every filesystem's root and every exported folder."""
    writers = {export.path: _writer(export.options) for export in spec.exports}
    paths = sorted(set(writers) | {item.mount for item in spec.filesystems})
    on = [(path, filesystem_of(spec, path)) for path in paths]
    return [CanaryFolder(path, base, writers.get(path)) for path, base in on if base]


def _writer(options: str) -> int:
    match = re.search(r"\banonuid=(\d+)", options)
    return int(match.group(1)) if match else _ANONYMOUS_UID


def refresh(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Writes the canaries where the spec's own volumes are mounted as specified.

    Raises SpecError for a client's spec.
    """
    if isinstance(spec, ClientSpec):
        raise SpecError("refresh: found a client's spec, expected a server's")
    storage = walk.check(host, spec, STORAGE)
    if any(layer.state != PRESENT for layer in storage):
        return storage
    layers = [_layer(host, place.path, partial(_refreshed, host, place)) for place in places(spec)]
    return layers + ([settings.refreshed(host, spec)] if spec.settings else [])


def probe(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Reads every canary, from the disk or over NFS; a client also writes. Absent: there are none.

    On a server the exports' options too: the layer `exports` compares the kernel's with the spec's, the layer
    `settings` nfsd and quotas with the copy of the settings.
    """
    if isinstance(spec, ClientSpec):
        view = ClientView(host, spec)
        return [_layer(host, one.mount.mount, partial(_tried, host, view, one)) for one in view.places]
    read = [_layer(host, place.path, partial(_looked, host, place)) for place in places(spec)]
    read.append(walk.timed(host, EXPORTS, partial(_exports, host, spec)))
    return read + ([settings.compared(host, spec)] if spec.settings else [])


def _exports(host: Host, spec: ServerSpec) -> Layer:
    wrong = contradictions(spec, host.run("exportfs", "-s").out)
    message = "; ".join(wrong) or "exported with the options of the spec"
    return Layer(EXPORTS, BROKEN if wrong else PRESENT, False, 0.0, message, {})


def _layer(host: Host, path: str, act: "partial[Layer]") -> Layer:
    name = "data " + path
    return walk.timed(host, name, act)._replace(layer=name)


def _manifest_layer(manifest: Optional[Manifest], **others: str) -> Layer:
    facts: Facts = dict(others, manifest=manifest)
    if manifest is None:
        return Layer("", ABSENT, False, 0.0, "no canaries", facts)
    text = "{} canaries as written {}".format(len(manifest["files"]), manifest["written"])
    return Layer("", PRESENT, False, 0.0, text, facts)


def _refreshed(host: Host, place: CanaryFolder) -> Layer:
    _refuse_damaged(host, place)
    return _manifest_layer(run_in_child(host, place.path, partial(_write, host, place), SECONDS))._replace(
        changed=True
    )


def _looked(host: Host, place: CanaryFolder) -> Layer:
    _refuse_damaged(host, place)
    return _manifest_layer(run_in_child(host, place.path, partial(_read, host, place), SECONDS))


def _refuse_damaged(host: Host, place: CanaryFolder) -> None:
    """By the kernel's log; a mount that is read-only is the filesystem layer's finding."""
    device = node(host, place.filesystem) or place.filesystem.device
    for line in complaints(host.run("dmesg").out, os.path.basename(device))[-1:]:
        raise CommandFailed("{}: the kernel says: {}".format(place.path, line))


def _tried(host: Host, view: ClientView, place: client_view.MountPoint) -> Layer:
    mount = place.mount
    if not mounted_right(view, place):
        actual = place.node.source if place.node else "no mount"
        text = "{}: found {}, expected {}:{}; neither read nor written"
        raise HookRefused(text.format(mount.mount, actual, view.spec.target.hostname, mount.path))
    work = partial(_read_and_write, host, place.point)
    manifest, wrote = run_in_child(host, mount.mount, work, CLIENT_SECONDS)
    layer = _manifest_layer(manifest, write=wrote)
    if manifest is None or wrote == WRITTEN:
        return layer
    return layer._replace(state=BROKEN, message="{}; a write: {}".format(layer.message, wrote))


def _write(host: Host, place: CanaryFolder) -> Manifest:
    base = mounted_folder.open_on_mount(host, place.path, place.filesystem.mount)
    return canary_files.write(base, place.writer)


def _read(host: Host, place: CanaryFolder) -> Optional[Manifest]:
    base = mounted_folder.open_on_mount(host, place.path, place.filesystem.mount)
    try:
        return canary_files.read(mounted_folder.open_root_owned(FOLDER, base))
    except FileNotFoundError:
        return None


def _read_and_write(host: Host, mount: str) -> List[object]:
    """The manifest, and what came of a write; a folder without canaries is not written to."""
    base = mounted_folder.open_on_mount(host, mount, mount)
    try:
        folder = os.open(FOLDER, mounted_folder.DIRECTORY, dir_fd=base)
        return [canary_files.read(folder), canary_files.try_write(folder)]
    except FileNotFoundError:
        return [None, "not tried"]
