"""Keeps the hooks that run here for the boot of another server: on this host's disk, and with the data.

A server that is launched without an operator brings a loader alone, which looks for them there
(hooks/boot/load.py). Copies of other versions stay beside them: a server that stands by may want one of them.
"""

import os
from functools import partial
from typing import Callable, List, Tuple

from hooks.contract.result import BROKEN, PRESENT, Layer
from hooks.contract.spec import ServerSpec, Spec
from hooks.host import copies, mounted_folder, places
from hooks.host.host import HookError, Host
from hooks.host.whole_file import put
from hooks.probe.child import run_in_child

NAME = "hooks"
_SECONDS = 30.0
_MOST = 16  # versions; the oldest go


def keep(host: Host, spec: Spec) -> List[Layer]:
    """One layer for each place, named `hooks PLACE`: present with the copy, broken with what was in its way.

    Its facts have the SHA-256 of every copy there. Nothing else hangs on it: no failure ends a takeover.
    """
    content = copies.own() if isinstance(spec, ServerSpec) else b""
    if not content or not isinstance(spec, ServerSpec):
        return []
    works: List[Tuple[str, Callable[[], object]]] = [
        (places.DISK, partial(_on_disk, host, content)),
        *((item.mount, partial(_with_data, host, item.mount, content)) for item in spec.filesystems),
    ]
    return [_layer(host, place, work) for place, work in works]


def keep_on_disk(host: Host) -> List[Layer]:
    """The same for this host's disk alone; no layer where the hooks run from a checkout."""
    content = copies.own()
    return [_layer(host, places.DISK, partial(_on_disk, host, content))] if content else []


def _layer(host: Host, place: str, work: Callable[[], object]) -> Layer:
    name = "{} {}".format(NAME, place)
    try:
        sums = run_in_child(host, place, work, _SECONDS)
    except (HookError, OSError) as error:
        host.note("{}: {}".format(name, error))
        return Layer(name, BROKEN, False, 0.0, str(error), {})
    return Layer(name, PRESENT, False, 0.0, "{} versions kept".format(len(sums)), {"sha256": sums})


def _on_disk(host: Host, content: bytes) -> List[str]:
    folder = host.path(places.DISK)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    descriptor = os.open(folder, mounted_folder.DIRECTORY)
    return _put(descriptor, content, 0o600)


def _with_data(host: Host, mount: str, content: bytes) -> List[str]:
    base = mounted_folder.open_on_mount(host, mount, mount)
    mounted_folder.make_folder(places.DATA, base, 0o755)
    # a client's root, whom the export makes nobody (root_squash), reads it: agent/started.py
    return _put(mounted_folder.open_root_owned(places.DATA, base), content, 0o644)


def _put(folder: int, content: bytes, mode: int) -> List[str]:
    """Every copy's SHA-256, once this one is there; what is not as it was hashed is written anew."""
    name = copies.name_of(copies.digest(content))
    if copies.read(folder, name) != content:
        put(name, content, folder, mode)
    names = [other for other in os.listdir(folder) if copies.KEPT.fullmatch(other)]
    age = {other: os.stat(other, dir_fd=folder, follow_symlinks=False).st_mtime for other in names}
    for other in sorted(names, key=lambda one: (one == name, age[one]))[:-_MOST]:
        os.unlink(other, dir_fd=folder)
        names.remove(other)
    return [copies.digest(copies.read(folder, other)) for other in sorted(names)]
