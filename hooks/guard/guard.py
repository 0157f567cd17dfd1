"""Puts the guard on a server before an image of it is taken, and takes it away again.

Functions with a `host` read it. Only `guard` and `unguard` change it: the files in script.FOLDER and the
generator. On the server itself none of them does anything at a boot (hooks/guard/script.py).
"""

import os
import platform
import shutil
from glob import glob
from typing import Dict, List, Sequence

from hooks import walk
from hooks.contract.result import ABSENT, BROKEN, PRESENT, Facts, Layer
from hooks.contract.spec import Spec
from hooks.guard import contents, script
from hooks.guard.disks import disks, root_disks
from hooks.host import places, text_file
from hooks.host.host import Host
from hooks.layers import exports, fstab, lvm
from hooks.layers.devices import link
from hooks.layers.fstab import FstabLine
from hooks.layers.locks import locks

NAME = "guard"
DATA_IQN_PREFIX = "iqn.2015-12.com.oracleiaas:"  # boot volumes have another one
NFS_UNIT = "nfs-server.service"
_CRON = ("/etc/crontab", "/etc/cron.d/*", "/var/spool/cron/*", "/var/spool/cron/crontabs/*")
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "lustre")


def guard(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Has the guard on this host, for what its fstab says now, and its files on the disk of / (syncfs(2)).

    Its facts: `lines`, what a copy puts off; `units`, what waits there for a mount; `cron`, files that name
    a mount point and that a copy runs all the same; and those of `contents` (contents.py).
    """
    return [walk.timed(host, NAME, lambda: _guard(host, spec))]


def unguard(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """Takes the guard away. Absent already is success."""
    return [walk.timed(host, NAME, lambda: _unguard(host))]


def _unguard(host: Host) -> Layer:
    there = [name for name in (script.SCRIPT, script.FOLDER) if os.path.exists(host.path(name))]
    if os.path.exists(host.path(script.SCRIPT)):
        os.unlink(host.path(script.SCRIPT))
    shutil.rmtree(host.path(script.FOLDER), ignore_errors=True)
    message = "{} removed".format(" and ".join(there)) if there else "nothing to do: no guard is here"
    return Layer(NAME, ABSENT, bool(there), 0.0, message, {})


def _guard(host: Host, spec: Spec) -> Layer:
    off = put_off(host)
    points = sorted({line.mount for line in off})
    needing = units_needing(host, points)
    shutil.rmtree(host.path(script.FOLDER), ignore_errors=True)  # without `of` the generator does nothing
    _write(host, script.SCRIPT, _text(), 0o755)
    files = {
        "lines": "".join(line + "\n" for line in _texts(host, off)),
        "name": platform.node() + "\n",
        "nfs-failover-guard.service": script.GUARD_UNIT.format(script=script.SCRIPT),
        "nfs-failover-booted.service": script.BOOTED_UNIT.format(script=script.SCRIPT),
        **overlay(host, points, needing),
    }
    for name, text in files.items():
        _write(host, script.FOLDER + "/" + name, text)
    os.makedirs(host.path(script.FOLDER + "/units"), exist_ok=True)
    identity = host.run("sh", host.path(script.SCRIPT), "identity").out
    if not any(line.partition("=")[2] for line in identity.splitlines()):
        why = (
            "neither the disk of / nor the machine has an identity here: a copy could not know that it is one"
        )
        return Layer(NAME, BROKEN, True, 0.0, why, {})
    _write(host, script.FOLDER + "/of", identity)
    host.run("sync", "-f", host.path(script.FOLDER))
    facts: Facts = {
        "lines": [line.text for line in off],
        "units": needing,
        "cron": cron_files(host, points),
        "identity": [line for line in identity.splitlines() if line.partition("=")[2]],
        **contents.facts(host, spec),
    }
    return Layer(NAME, PRESENT, True, 0.0, "{} lines of fstab for a copy to put off".format(len(off)), facts)


def _text() -> str:
    return script.filled(
        folder=script.FOLDER,
        off=fstab.OFF,
        prefix=DATA_IQN_PREFIX,
        devices=lvm.DEVICES_FILE,
        exports=" ".join((exports.OWN, exports.ORDER)),
        quiesced=places.QUIESCED,
        deadman=script.DEAD_MAN,
        wanted=script.WANTED,
        locks=" ".join(locks.UNITS),
        settled=script.SETTLED,
        booted=script.BOOTED,
    )


def _write(host: Host, name: str, text: str, mode: int = 0o644) -> None:
    text_file.edit(host, name, lambda before: text, mode)
    if os.path.exists(host.path(name)):
        os.chmod(host.path(name), mode)


def put_off(host: Host) -> List[FstabLine]:
    """The active lines of fstab that a copy of this host's boot disk could not mount, in their order.

    Whatever lies on another disk than / (a site's volumes, other volumes, a local NVMe), or on none that is
    here, and the bind mounts out of those. Network filesystems stay: they wait for no disk.
    """
    root = root_disks(host)
    lines: List[FstabLine] = []
    for line in fstab.lines(host.read(fstab.PATH) or ""):
        if not line.active or line.mount == "/" or line.type in _NETWORK:
            continue
        bound = "bind" in line.options.split(",") or "rbind" in line.options.split(",")
        if bound:
            if any((line.device + "/").startswith(other.mount + "/") for other in lines):
                lines.append(line)
        elif _elsewhere(host, line, root):
            lines.append(line)
    return lines


def _elsewhere(host: Host, line: FstabLine, root: Sequence[str]) -> bool:
    source = link(line.device)
    if not source.startswith("/dev/"):
        return False  # proc, tmpfs, a file
    device = host.real(source)
    return device is None or not set(disks(host, device)) & set(root)


def _texts(host: Host, off: Sequence[FstabLine]) -> List[str]:
    """Those lines as fstab has them, byte by byte: a copy compares whole lines."""
    wanted = {line.text for line in off}
    return [
        text
        for text in (host.read(fstab.PATH) or "").splitlines()
        if not text.lstrip().startswith("#") and text.lstrip("# \t").rstrip("\r\n") in wanted
    ]


def units_needing(host: Host, points: Sequence[str]) -> Dict[str, List[str]]:
    """Services that need one of these mount points, each with those; the NFS server needs them all."""
    points_by_unit: Dict[str, List[str]] = {NFS_UNIT: list(points)} if points else {}
    for point in points:
        shown = host.run("systemctl", "show", "-p", "RequiredBy", "-p", "BoundBy", unit_of(host, point)).out
        for line in shown.splitlines():
            for name in line.partition("=")[2].split():
                if name.endswith(".service") and point not in points_by_unit.setdefault(name, []):
                    points_by_unit[name].append(point)
    return points_by_unit


def unit_of(host: Host, point: str) -> str:
    """The mount unit's name (systemd-escape(1))."""
    return host.run("systemd-escape", "--path", "--suffix=mount", point).out.strip()


def overlay(host: Host, points: Sequence[str], needing: Dict[str, List[str]]) -> Dict[str, str]:
    """Units that take a copy's place of the server's own in its first boot, by their path in the folder."""
    files = {"units/" + os.path.basename(script.DEAD_MAN): script.NO_DEAD_MAN}
    for point in points:
        name = unit_of(host, point)
        files["units/" + name] = script.MOUNT_UNIT.format(where=point)
        files["units/" + name[: -len("mount")] + "automount"] = script.AUTOMOUNT_UNIT.format(where=point)
    for unit, wanted in needing.items():
        conditions = "".join(script.CONDITION.format(where=point) for point in wanted)
        files["units/{}.d/nfs-failover-guard.conf".format(unit)] = script.NEEDS.format(conditions=conditions)
    return files


def cron_files(host: Host, points: Sequence[str]) -> List[str]:
    """Files of cron that name one of these mount points: a copy runs them, without what they expect there."""
    files = []
    for pattern in _CRON:
        for path in sorted(glob(host.path(pattern))):
            name = "/" + os.path.relpath(path, host.root)
            text = (host.read(name) or "") if os.path.isfile(path) else ""
            if any(point in line for line in text.splitlines() if line[:1] != "#" for point in points):
                files.append(name)
    return files
