"""What an image of this host has and no takeover brings: kernel, packages, files of its root disk.

All functions only read. What moves with the data (hooks/settings) and what lies on another disk is left out.
"""

import hashlib
import os
import platform
import re
from typing import Dict, Iterator, List, Sequence, Tuple

from hooks import walk
from hooks.contract.result import PRESENT, Facts, Layer
from hooks.contract.settings import STANDARD
from hooks.contract.spec import ServerSpec, Spec
from hooks.guard.disks import disks, root_disks
from hooks.host.host import CommandFailed, Host
from hooks.host.mounts import mounts
from hooks.layers import nfs
from hooks.settings.capture import capture

NAME = "contents"
# what the service is made of, as EL and Debian call it: packages whose versions are worth a name
SERVICE = (
    *("nfs-utils", "iscsi-initiator-utils", "lvm2", "xfsprogs", "quota-rpc", "quota"),
    *("nfs-kernel-server", "open-iscsi", "quotarpc"),
)
_LISTS = (
    ("rpm", "-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}.%{ARCH}\n"),
    ("dpkg-query", "-W", "-f", "${Package} ${Version}\n"),
)
_ARCH = re.compile(r"\.(x86_64|aarch64|noarch)$")
_QUOTAS = ("/etc/warnquota.conf", "/etc/quotatab", "/etc/quotagrpadmins")
_ACCOUNTS = ("/etc/passwd", "/etc/group")
_KEYS = ("/etc/krb5.keytab",)
_USERS_KEYS = (".ssh/authorized_keys", ".ssh/authorized_keys2")
_DIGITS = 12  # of a SHA-256: all groups have to fit into one tag of an image


def contents(host: Host, spec: Spec, only: Sequence[str]) -> List[Layer]:
    """One layer. Its facts: `kernel`; `packages` (SHA-256 of the list), `package_count`; `versions` of the
    service's packages by name; `files`: by group a digest of what lies on the root disk and stays there."""
    return [walk.timed(host, NAME, lambda: Layer(NAME, PRESENT, False, 0.0, "", facts(host, spec)))]


def facts(host: Host, spec: Spec) -> Facts:
    """The facts of `contents`."""
    groups = files(host, spec) if isinstance(spec, ServerSpec) else {}
    digests = {name: _digest(host, paths) for name, paths in groups.items()}
    return {"kernel": platform.release(), **packages(host), "files": digests}


def packages(host: Host) -> Facts:
    """What is installed: a digest to compare with, a number, and the service's own versions."""
    for argv in _LISTS:
        try:
            listed = sorted(host.run(*argv).out.splitlines())
        except CommandFailed:
            continue
        pairs = [line.split(" ", 1) for line in listed if " " in line]
        digest = hashlib.sha256("\n".join(listed).encode()).hexdigest()
        versions = {pair[0]: _ARCH.sub("", pair[1]) for pair in pairs if pair[0] in SERVICE and pair[1]}
        return {"packages": digest, "package_count": len(listed), "versions": versions}
    return {"packages": "", "package_count": 0, "versions": {}}


def files(host: Host, spec: ServerSpec) -> Dict[str, List[str]]:
    """By group the files that only an image of this host brings along: those that are on its root disk."""
    moving = capture(host, spec).files if spec.settings and spec.filesystems else {}
    groups = {
        "exports": nfs.files(host),
        "quotas": [*_QUOTAS],
        "accounts": [*_ACCOUNTS],
        "keys": [*_KEYS, *_users_keys(host)],
        "settings": [path for path in _settings(host, spec) if path not in moving],
    }
    elsewhere = _elsewhere(host)
    return {
        name: [path for path in sorted(set(paths)) if not path.startswith(elsewhere)]
        for name, paths in groups.items()
    }


def _settings(host: Host, spec: ServerSpec) -> Iterator[str]:
    for path in dict.fromkeys(STANDARD + spec.settings):
        if os.path.isdir(host.path(path)):
            yield from (path + "/" + name for name in os.listdir(host.path(path)) if name.endswith(".conf"))
        else:
            yield path


def _users_keys(host: Host) -> Iterator[str]:
    """Of every account with a home (passwd(5)); a home on the data moves with the data."""
    for line in (host.read("/etc/passwd") or "").splitlines():
        fields = line.split(":")
        if len(fields) >= 6 and fields[5].startswith("/"):
            yield from (fields[5].rstrip("/") + "/" + name for name in _USERS_KEYS)


def _elsewhere(host: Host) -> Tuple[str, ...]:
    """Mount points that do not lie on the disk of /, with a slash at their end: they are not even looked at,
    for a network filesystem whose server is gone would hang there."""
    root = set(root_disks(host))
    points = []
    for item in mounts(host):
        device = item.source if item.source.startswith("/dev/") else ""
        real = host.real(device) if device else None
        if item.mount != "/" and not (real and set(disks(host, real)) & root):
            points.append(item.mount.rstrip("/") + "/")
    return tuple(points)


def _digest(host: Host, paths: Sequence[str]) -> str:
    """Of the names and contents of those that are there; empty where there is none."""
    digest = hashlib.sha256()
    some = False
    for path in paths:
        text = host.read(path) if os.path.isfile(host.path(path)) else None
        if text is not None:
            some = True
            digest.update("{}\0{}\0".format(path, text).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:_DIGITS] if some else ""
