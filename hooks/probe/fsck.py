"""Checks filesystems that are not mounted, and repairs nothing: for a rehearsal on clones.

Functions with a `host` read it. No function changes it.
"""

from functools import partial
from typing import Dict, List, NamedTuple, Sequence, Tuple

from hooks import walk
from hooks.contract.client_spec import ClientSpec
from hooks.contract.fields import SpecError
from hooks.contract.result import BROKEN, PRESENT, UNKNOWN, Layer
from hooks.contract.spec import Filesystem, Spec
from hooks.host.host import Host
from hooks.host.mounts import mounts
from hooks.layers.devices import node

_MOST = 300  # characters of what a checker says


class Checker(NamedTuple):
    """`wrong`: exit codes that mean damage, in words."""

    argv: Tuple[str, ...]
    wrong: Dict[int, str]


_CHECKERS = {
    "xfs": Checker(("xfs_repair", "-n"), {1: "damaged", 2: "its log is not replayed"}),  # xfs_repair(8)
    "ext4": Checker(("e2fsck", "-f", "-n"), {4: "damaged", 12: "damaged, and not read whole"}),  # e2fsck(8)
}


def fsck(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """One layer for each filesystem, named `fsck MOUNT`: present when sound, broken when damaged or mounted.

    Unknown for a type without a checker here. Raises SpecError for a client's spec.
    """
    if isinstance(spec, ClientSpec):
        raise SpecError("fsck: found a client's spec, expected a server's")
    return [_layer(host, item) for item in spec.filesystems]


def _layer(host: Host, filesystem: Filesystem) -> Layer:
    name = "fsck " + filesystem.mount
    return walk.timed(host, name, partial(_checked, host, filesystem))._replace(layer=name)


def _checked(host: Host, filesystem: Filesystem) -> Layer:
    device = (node(host, filesystem) if filesystem.iqns else None) or filesystem.device
    used = [item.mount for item in mounts(host) if host.real(item.source) == host.real(device)]
    if used:
        return _fsck_layer(
            BROKEN, "{}: found mounted on {}, expected unmounted".format(device, ", ".join(used))
        )
    checker = _CHECKERS.get(filesystem.type)
    if checker is None:
        return _fsck_layer(UNKNOWN, "{}: no checker for {} here".format(device, filesystem.type))
    done = host.run(*checker.argv, device, tolerate=checker.wrong, seconds=host.left())
    if done.code:
        message = " ".join((done.err or done.out).split())[-_MOST:]
        return _fsck_layer(BROKEN, "{}: {}: {}".format(device, checker.wrong[done.code], message))
    return _fsck_layer(PRESENT, "{} is sound: `{}`".format(device, " ".join(checker.argv)))


def _fsck_layer(state: str, message: str) -> Layer:
    return Layer("", state, False, 0.0, message, {})
