"""Mounts that come when somebody walks there: autofs(5) with maps in files, and systemd's automount units."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.model.host.mounts import Mount, inside, normal

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost

_MASTER = "/etc/auto.master"
_DIRECT = "/-"


def _entries(host: LinuxHost, file: str) -> list[list[str]]:
    lines = (host.read(file) or "").splitlines()
    return [line.split() for line in lines if line.strip() and not line.startswith(("#", "+"))]


def start_autofs(host: LinuxHost) -> None:
    """The daemon lays a mount of type autofs on every place of its maps."""
    for place, file, *_ in _entries(host, _MASTER):
        points = [key for key, *_ in _entries(host, file)] if place == _DIRECT else [normal(place)]
        for point in points:
            wait_at(host, point, file)


def stop_autofs(host: LinuxHost) -> None:
    for mount in [m for m in host.mounts.table if m.type == "autofs" and not m.source.startswith("systemd-")]:
        host.mounts.remove(mount)


def wait_at(host: LinuxHost, point: str, source: str) -> None:
    """Lays an automount on this place, unless it has that one already."""
    if any((m.mount, m.type, m.source) == (point, "autofs", source) for m in host.mounts.table):
        return
    Path(host.path(point)).mkdir(parents=True, exist_ok=True)
    files = host.mounts.copy(Path(host.path("/srv")))
    host.mounts.add(Mount(0, 0, point, "autofs", source, super_options="rw,fd=6,timeout=300"), files)


def trigger(host: LinuxHost, path: str) -> None:
    """What a walk to this path mounts; raises HangError as the mount would."""
    from tests.model.host.mount_tools import Line, do_mount, fstab  # noqa: PLC0415 - they walk, too

    last = host.mounts.walk(path)
    if last.type != "autofs" or last.mount == path == "/" or not inside(path, last.mount):
        return
    if last.source.startswith("systemd-"):
        lines = [
            line for line in fstab(host) if line.mount.startswith("/") and normal(line.mount) == last.mount
        ]
        do_mount(host, lines[0])
        return
    line = _line(host, last, path)
    if line is not None:
        Path(host.path(line[1])).mkdir(parents=True, exist_ok=True)
        source, target, words = line
        do_mount(host, Line(source, target, "nfs", words.split(",")))


def _line(host: LinuxHost, automount: Mount, path: str) -> tuple[str, str, str] | None:
    """Source, mount point and options that the map has for this path."""
    keyed = {words[0]: words[1:] for words in _entries(host, automount.source)}
    if automount.mount in keyed:
        key, target = automount.mount, automount.mount
    else:
        below = path[len(automount.mount) :].strip("/").split("/")[0]
        key, target = (below if below in keyed else "*"), f"{automount.mount}/{below}"
        if not below:
            return None
    if key not in keyed:
        return None
    *options, source = keyed[key]
    return source.replace("&", target.rsplit("/", 1)[1]), target, ",".join(o.lstrip("-") for o in options)
