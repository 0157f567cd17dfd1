"""Mounts of the site's servers that processes keep in mount namespaces of their own: containers, mostly.

A bind mount that docker(1) or podman(1) made is private to the container: what is taken off on the host stays
there (mount_namespaces(7), Shared subtrees), and goes on asking the old server until the container restarts.
"""

import os
import re
from typing import Dict, Iterator, List, NamedTuple

from hooks.client.mount_tree import NFS
from hooks.client.site_names import SERVICE, SEVERAL
from hooks.client.view import ClientView
from hooks.host import mounts
from hooks.host.host import Host
from hooks.host.mounts import Mounted

_ENGINES = {"docker": "docker", "libpod": "podman"}
_CONTAINER = re.compile(r"(docker|libpod)[-/]([0-9a-f]{12})[0-9a-f]{52}")  # in /proc/PID/cgroup


class Namespace(NamedTuple):
    """A mount namespace that is not ours, by one process in it. `kept`: NFS mounts that no umount reaches."""

    pid: int
    name: str
    engine: str
    container: str
    kept: List[Mounted]


def warnings(host: Host, view: ClientView) -> List[str]:
    """What stays on a server that no longer serves, or would after a failover, with what brings it over."""
    return [text for space in _namespaces(host) for text in _kept(view, space)]


def _kept(view: ClientView, space: Namespace) -> Iterator[str]:
    for item in space.kept:
        if view.node_owner(item) in (
            "",
            SERVICE,
            SEVERAL,
        ):  # what has the service's address follows by itself
            continue
        who = "process {} ({})".format(space.pid, space.name)
        remedy = "restart it"
        if space.engine:
            who = "{} container {}, {}".format(space.engine, space.container, who)
            remedy = "{} restart {}".format(space.engine, space.container)
        text = (
            "{}: {} has {} there in a mount namespace of its own, which no run reaches; after a failover: {}"
        )
        yield text.format(item.mount, who, item.source, remedy)


def _namespaces(host: Host) -> Iterator[Namespace]:
    """Every mount namespace with NFS mounts of its own, once, by its first process."""
    visited = {_link(host, "self"), ""}
    for pid in sorted(int(name) for name in os.listdir(host.path("/proc")) if name.isdigit()):
        link = _link(host, str(pid))
        if link in visited:
            continue
        visited.add(link)
        kept = private(_read(host, pid, "mountinfo"))
        if kept:
            match = _CONTAINER.search(_read(host, pid, "cgroup"))
            engine, container = (_ENGINES[match.group(1)], match.group(2)) if match else ("", "")
            yield Namespace(pid, _read(host, pid, "comm").strip() or "?", engine, container, kept)


def private(text: str) -> List[Mounted]:
    """The NFS mounts of a mountinfo that are no slaves of another namespace (proc_pid_mountinfo(5)): an
    umount on the host reaches a slave, as of a service with PrivateTmp=, by itself."""
    lines = [line for line in text.splitlines() if " master:" not in line.partition(" - ")[0]]
    by_mount: Dict[str, Mounted] = {}
    for item in mounts.parse("\n".join(lines)):
        if item.type in NFS:
            by_mount.setdefault(item.mount, item)
    return list(by_mount.values())


def _link(host: Host, pid: str) -> str:
    """The namespace's own name; empty for a process that has ended, or one that may not be looked at."""
    try:
        return os.readlink(host.path("/proc/{}/ns/mnt".format(pid)))
    except OSError:
        return ""


def _read(host: Host, pid: int, name: str) -> str:
    try:
        return host.read("/proc/{}/{}".format(pid, name)) or ""
    except OSError:
        return ""
