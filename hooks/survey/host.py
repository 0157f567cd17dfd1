"""Whether a host has what a takeover runs: programs, units, the kernel's filesystems, room in /etc."""

import os
from typing import Iterator, Tuple

from hooks.contract.spec import ServerSpec
from hooks.host.host import SBIN, Host
from hooks.layers import iscsi, network, nfs
from hooks.survey.remark import Remark, refusal, warning

LEAST_BYTES = 1 << 20
LEAST_FILES = 16
_OPEN_ISCSI = "open-iscsi (EL: iscsi-initiator-utils)"
_NFS = "nfs-kernel-server (EL: nfs-utils)"
_WRITTEN = ("/etc", "/var/lib")  # fstab, exports, records of iscsid, state of nfsd


def initiator(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    yield from programs(host, ("iscsiadm", _OPEN_ISCSI))
    yield from unit(host, "iscsid", _OPEN_ISCSI)


def lvm_tools(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    yield from programs(host, ("lvm", "lvm2"), ("vgchange", "lvm2"))


def server(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    yield from programs(host, ("exportfs", _NFS), ("rpc.nfsd", _NFS))
    yield from unit(host, nfs.SERVICE, _NFS)


def record_of_clients(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    yield from programs(host, ("nfsdcld", _NFS), ("unshare", "util-linux"))
    yield from unit(host, "nfsdcld", _NFS)


def vnics(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """A server without a VNIC where clients mount by is out of their reach."""
    for text in network.lacking(host, spec):
        yield refusal("{}", text)


def filesystem_types(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """The kernel must know each type; XFS's tools are wanted when a log cannot be recovered."""
    known = [line.split()[-1] for line in (host.read("/proc/filesystems") or "").splitlines() if line.strip()]
    for kind in sorted({item.type for item in spec.filesystems} - set(known)):
        if host.run("modprobe", "-n", "-q", kind, tolerate={1: "no such module"}).code:
            yield refusal("kernel: it has no {}, expected it for the data; install that module", kind)
    if any(item.type == "xfs" for item in spec.filesystems) and not _has_program(host, "xfs_repair"):
        yield warning("xfs_repair: not installed, expected it for a damaged filesystem; install xfsprogs")


def room(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """A full or read-only root keeps fstab and exports from being written."""
    for folder in _WRITTEN:
        stats = os.statvfs(host.path(folder))
        if stats.f_flag & os.ST_RDONLY:
            yield refusal("{}: it is mounted read-only, expected read-write; remount it", folder)
        elif stats.f_bavail * stats.f_frsize < LEAST_BYTES:
            yield refusal("{}: no room is left, expected {} bytes; make room", folder, LEAST_BYTES)
        elif stats.f_files and stats.f_favail < LEAST_FILES:
            yield refusal("{}: no inodes are left, expected {}; remove files", folder, LEAST_FILES)


def programs(host: Host, *wanted: Tuple[str, str]) -> Iterator[Remark]:
    for name, package in wanted:
        if not _has_program(host, name):
            yield refusal("{}: command not found, expected it from {}; install that package", name, package)


def _has_program(host: Host, name: str) -> bool:
    return any(os.access(host.path(folder + "/" + name), os.X_OK) for folder in SBIN.split(":"))


def unit(host: Host, name: str, package: str) -> Iterator[Remark]:
    """`systemctl start` of a masked unit fails, and so would the takeover (systemctl(1), mask)."""
    out = host.run("systemctl", "show", "-p", "LoadState", name).out.strip()
    state = out.partition("=")[2]
    if state == "masked":
        yield refusal("{0}: the unit is masked, expected one that starts; systemctl unmask {0}", name)
    elif state == "not-found":
        yield refusal("{}: no such unit, expected it from {}; install that package", name, package)


def lacking(host: Host, spec: ServerSpec) -> str:
    """Why what lies on the volumes cannot be judged here now: one that has no live session, or no device."""
    sessions = {item.iqn: item.state for item in iscsi.observe(host).sessions}
    for volume in spec.volumes:
        state = sessions.get(volume.iqn, "not there")
        if state != "LOGGED_IN" or not host.real(volume.link):
            return "{}: its session is {}: what lies on the volumes was not judged".format(volume.name, state)
    return ""
