"""The hooks on the site's own volumes: brought within reach by the takeover's first layers, read, left alone.

Sessions and volume groups come up by the very code of the takeover, with its refusals, once every volume is
attached to this host; the takeover goes on from there. Each filesystem is then read by a child process in a
mount namespace of its own, where it is mounted read-only: nobody else sees that mount, and it ends with the
child whatever happens to it.
"""

import os
import sys
from typing import List, Optional

from hooks.contract.parse import storage
from hooks.contract.result import PRESENT
from hooks.contract.spec import Filesystem, ServerSpec
from hooks.host import copies, places
from hooks.host.copies import CopyCheck
from hooks.host.host import HookError, Host
from hooks.host.mounts import mounts
from hooks.layers import iscsi, lvm
from hooks.layers.devices import content, node

READ = "read"  # what the child is called with
SECONDS = 1800.0  # the recovery of a long log may take its time
_POINT = places.RUN + "/volume"
# without a replay of the log: not a byte is written
_AS_IT_IS = {"xfs": "norecovery", "ext3": "noload", "ext4": "noload", "btrfs": "nologreplay"}
_SAFE = "ro,nodev,nosuid,noexec"


def fetch(host: Host, text: str, sha256: str) -> CopyCheck:
    """Looks on every filesystem of this spec, which has its portals. Raises HookError, SpecError and OSError.

    What was just written before a crash is in the log alone. So a filesystem that does not have it is read a
    second time, after a replay, but only where this host alone has the volumes: a takeover does it next.
    """
    spec = storage(text)
    for layer, part in ((iscsi, spec.volumes), (lvm, spec.volume_groups)):
        if part and layer.check(host, spec).state != PRESENT:
            layer.apply(host, spec)
    messages: List[str] = []
    for item in spec.filesystems:
        for options in _ways(host, spec, item):
            check = _read(host, item, options, sha256)
            if check.content is not None:
                return check
        messages.append(check.message)
    return CopyCheck(None, "; ".join(messages) or "the spec has no filesystem")


def _ways(host: Host, spec: ServerSpec, item: Filesystem) -> List[str]:
    """Mount options, one set for each attempt."""
    on_disk = content(host, item)
    known = (
        on_disk.get("TYPE") == item.type
        and (item.uuid or on_disk.get("UUID", "")).lower() == on_disk.get("UUID", "").lower()
    )
    as_it_is = ",".join(filter(None, (_SAFE, _AS_IT_IS.get(item.type))))
    alone = not any(volume.shareable for volume in spec.volumes)
    return [as_it_is, _SAFE] if known and alone and as_it_is != _SAFE else [as_it_is]


def _read(host: Host, item: Filesystem, options: str, sha256: str) -> CopyCheck:
    mounted = _where(host, item)
    if mounted is not None:
        return copies.look_in(os.path.join(host.path(mounted), places.DATA), sha256)
    archive = sys.modules["__main__"].__dict__["ARCHIVE"]
    words = (sys.executable, archive, READ, sha256, node(host, item) or item.device, item.type, options)
    try:
        output = host.run("unshare", "--mount", "--propagation", "private", *words, seconds=SECONDS).out
    except HookError as error:
        output = str(error)
    wanted = copies.look_in(host.path(places.RUN), sha256).content
    return CopyCheck(wanted, "{}: {}".format(item.mount, output.strip()))


def _where(host: Host, item: Filesystem) -> Optional[str]:
    """Where it is mounted already, whole; a second mount that is read-only would be refused by the kernel."""
    device = node(host, item)
    mount_points = [one.mount for one in mounts(host) if one.root == "/" and host.real(one.source) == device]
    return mount_points[-1] if mount_points and device else None


def read(sha256: str, device: str, kind: str, options: str) -> str:
    """The child's work, in its own mount namespace: installs what it found, and says it. Raises HookError."""
    host = Host(SECONDS)
    os.makedirs(_POINT, mode=0o700, exist_ok=True)
    host.run("mount", "-t", kind, "-o", options, device, _POINT, seconds=SECONDS)
    try:
        check = copies.look_in(os.path.join(_POINT, places.DATA), sha256)
    finally:
        host.run("umount", _POINT)
    if check.content is not None:
        copies.install(host, check.content)
    return check.message.replace(_POINT + "/", "")
