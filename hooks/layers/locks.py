"""The locks layer: NFSv4 clients keep their locks and open files through a takeover.

A client takes its locks back in the grace after nfsd starts, from a server of the scope that it knows
(RFC 8881, 2.10.4), and only if that server knows of the client. So nfsd's record of its clients lies with the
data (nfsdcld(8), --storagedir), and nfsd runs under one node name on every server: Linux takes the scope and
the server's owner from it when nfsd starts (unshare(1), --uts; resource-agents' nfsserver does the same).
The name is the filesystem's UUID: two servers of one name would be one server to a client.

Functions with a `host` read it. Only `apply`, `release`, `remove`, `_leave` and `_make_folder` change it.
"""

import os
from contextlib import suppress
from typing import List, Optional, Tuple

from hooks.contract.result import ABSENT, BROKEN, PRESENT, LayerFinding
from hooks.contract.spec import Filesystem, Locks, ServerSpec
from hooks.host import mounted_folder, places, text_file
from hooks.host.host import HookRefused, Host
from hooks.host.mounts import mounted_on
from hooks.layers.devices import content

NAME = "locks"
TRACKER = "nfsdcld"
FOLDER = TRACKER
NFSD_UNIT = "/etc/systemd/system/nfs-server.service.d/nfs-failover-locks.conf"
TRACKER_UNIT = "/etc/systemd/system/nfsdcld.service.d/nfs-failover-locks.conf"
STOP_SECONDS = 60.0
_LEASE, _GRACE = "/proc/fs/nfsd/nfsv4leasetime", "/proc/fs/nfsd/nfsv4gracetime"
_THREADS = "/proc/fs/nfsd/threads"
_HEAD = "# kept by nfs-failover: changes here are overwritten\n"


def home(spec: ServerSpec) -> Filesystem:
    """The filesystem that the record lies on: the first by its mount point."""
    return min(spec.filesystems, key=lambda item: item.mount)


def folder(spec: ServerSpec) -> str:
    return "/".join((home(spec).mount, places.DATA, FOLDER))


def units(spec: ServerSpec, uuid: str) -> Tuple[Tuple[str, str], ...]:
    """Path and text of both drop-ins (systemd.unit(5)). Pure."""
    locks = _wanted(spec)
    start = "echo nfs-{} > /proc/sys/kernel/hostname && exec /usr/sbin/rpc.nfsd -L {} -G {}"
    nfsd = '[Service]\nExecStart=\nExecStart=/usr/bin/unshare --uts /bin/sh -c "{}"\n'
    tracker = "[Unit]\nRequiresMountsFor={}\n[Service]\nExecStart=\nExecStart=/usr/sbin/nfsdcld -s {}\n"
    return (
        (NFSD_UNIT, _HEAD + nfsd.format(start.format(uuid, locks.lease, locks.grace))),
        (TRACKER_UNIT, _HEAD + tracker.format(home(spec).mount, folder(spec))),
    )


def _wanted(spec: ServerSpec) -> Locks:
    assert spec.locks is not None, "the layer runs only where the spec has locks"  # noqa: S101
    return spec.locks


def check(host: Host, spec: ServerSpec) -> LayerFinding:
    """Present when both units are as they should be, nfsdcld writes on the data, and nfsd has our times."""
    there = [path for path in (NFSD_UNIT, TRACKER_UNIT) if host.read(path)]
    if not there and folder(spec) not in _open_folders(host):
        return LayerFinding(ABSENT, "nfsd is as the system starts it: its clients lose their locks")
    uuid = _uuid(host, spec)
    if uuid is None:
        return LayerFinding(BROKEN, "{} is not mounted, and {} needs it".format(home(spec).mount, TRACKER))
    faults = [path + " is not as specified" for path, text in units(spec, uuid) if host.read(path) != text]
    if folder(spec) not in _open_folders(host):
        faults.append("{} does not keep its record in {}".format(TRACKER, folder(spec)))
    faults += _times(host, _wanted(spec)) if _runs(host) else []
    if faults:
        return LayerFinding(BROKEN, "; ".join(faults))
    text = "nfsd's record of its clients is in {}; lease {} s, grace {} s"
    return LayerFinding(PRESENT, text.format(folder(spec), *_wanted(spec)))


def _uuid(host: Host, spec: ServerSpec) -> Optional[str]:
    """The UUID of the home's filesystem; None while it is not mounted."""
    item = home(spec)
    if not mounted_on(host, item.mount):
        return None
    return content(host, item).get("UUID", "").lower() or None


def _times(host: Host, locks: Locks) -> List[str]:
    """A running nfsd's lease and grace in seconds (nfsd(7)): they were set before its threads began."""
    actual = [(host.read(path) or "").strip() for path in (_LEASE, _GRACE)]
    wanted = [str(locks.lease), str(locks.grace)]
    text = "nfsd runs with a lease of {} s and a grace of {} s, expected {} and {}"
    return [text.format(*(actual + wanted))] if actual != wanted else []


def _runs(host: Host) -> bool:
    return (host.read(_THREADS) or "0").strip() not in ("", "0")


def _open_folders(host: Host) -> List[str]:
    """Where nfsdcld has its files open; nothing while it does not run (proc_pid_fd(5))."""
    out = host.run("systemctl", "show", "-p", "MainPID", TRACKER).out
    base = "/proc/{}/fd".format(out.partition("=")[2].strip() or "0")
    try:
        names = os.listdir(host.path(base))
        return [os.path.dirname(os.readlink(host.path(base + "/" + name))) for name in names]
    except OSError:
        return []  # MainPID 0, or it has ended meanwhile


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Makes the folder, writes the units, starts nfsdcld on the data. nfsd that runs otherwise is stopped
    first: the next layer starts it, and its clients wait for the grace. Raises HookRefused."""
    uuid = _uuid(host, spec)
    if uuid is None:
        raise HookRefused("{} is not mounted: refusing to keep a record below".format(home(spec).mount))
    _make_folder(host, spec)
    done = []
    for path, text in units(spec, uuid):
        if text_file.edit(host, path, lambda _, text=text: text):  # type: ignore[misc]
            done.append(path + " written")
    host.reload_systemd()
    if _runs(host):
        host.run("systemctl", "stop", "nfs-server", seconds=STOP_SECONDS)
        done.append("nfs-server stopped, to start with them")
    host.run("systemctl", "restart", TRACKER, seconds=STOP_SECONDS)
    return done + ["{} keeps its record in {}".format(TRACKER, folder(spec))]


def _make_folder(host: Host, spec: ServerSpec) -> None:
    """Root's own, on the data and never below its mount point. Raises HookRefused, OSError."""
    mount = home(spec).mount
    held = [mounted_folder.open_on_mount(host, mount, mount)]
    try:
        for name, mode in ((places.DATA, 0o755), (FOLDER, 0o700)):
            with suppress(FileExistsError):
                os.mkdir(name, mode, dir_fd=held[-1])
            held.append(mounted_folder.open_root_owned(name, held[-1]))
    finally:
        for descriptor in held:
            os.close(descriptor)


def release(host: Host, spec: ServerSpec) -> List[str]:
    """Takes nfsdcld from the data; an nfsd that goes on for others has its clients' record where it was."""
    if folder(spec) not in _open_folders(host):
        return remove(host)
    return remove(host) or _leave(host)


def remove(host: Host) -> List[str]:
    """Takes both units away, also those of a site that no longer asks for them. Raises HookError."""
    removed = [path for path in (NFSD_UNIT, TRACKER_UNIT) if text_file.edit(host, path, lambda _: "")]
    if not removed:
        return []
    host.reload_systemd()  # before anything starts by them
    return [path + " removed" for path in removed] + _leave(host)


def _leave(host: Host) -> List[str]:
    host.run("systemctl", "restart" if _runs(host) else "stop", TRACKER, seconds=STOP_SECONDS)
    return ["{} has left the data".format(TRACKER)]
