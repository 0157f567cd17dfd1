"""The locks layer: clients keep their locks, and those of NFSv4 their open files, through a takeover.

A client takes its locks back in the grace after nfsd starts, from a server of the scope that it knows
(RFC 8881, 2.10.4), and only if that server knows of the client. So nfsd's record of its clients lies with the
data (nfsdcld(8), --storagedir), and nfsd runs under one node name on every server: Linux takes the scope and
the server's owner from it when nfsd starts (unshare(1), --uts; resource-agents' nfsserver does the same).
The name is the filesystem's UUID: two servers of one name would be one server to a client. NFSv3 has a record
of its own (statd.py), and what nfsd forgets of NFSv4.0 is kept beside it (reclaimed.py).

Functions with a `host` read it. Only `apply`, `make_ready`, `release`, `remove`, `_make`, `_write` and those
named `_leave...` change it.
"""

import os
from typing import List, Optional, Tuple

from hooks.contract.result import ABSENT, BROKEN, PRESENT, LayerFinding
from hooks.contract.spec import Locks, ServerSpec
from hooks.host import text_file
from hooks.host.host import HookRefused, Host
from hooks.host.mounts import mounted_on
from hooks.layers.devices import content
from hooks.layers.locks import reclaimed, record, statd
from hooks.layers.locks.keepers import TRACKER, Keepers, folder, keepers
from hooks.layers.locks.record import home

NAME = "locks"
NFSD_UNIT = "/etc/systemd/system/nfs-server.service.d/nfs-failover-locks.conf"
TRACKER_UNIT = "/etc/systemd/system/nfsdcld.service.d/nfs-failover-locks.conf"
UNITS = (NFSD_UNIT, TRACKER_UNIT, statd.STATD_UNIT, statd.NOTIFY_UNIT, reclaimed.UNIT, reclaimed.PROGRAM)
STOP_SECONDS = 60.0
_LEASE, _GRACE = "/proc/fs/nfsd/nfsv4leasetime", "/proc/fs/nfsd/nfsv4gracetime"
_LOCKD_GRACE = "/proc/sys/fs/nfs/nlm_grace_period"  # in seconds; read when lockd starts
_THREADS = "/proc/fs/nfsd/threads"
_TRACKER_PLACE = "/var/lib/nfs/nfsdcld"
# Its policy lets nfsdcld walk through folders of some types alone, and the filesystem's root may have any: it
# has the folder in the place of its own one (systemd.exec(5)), as rpc.statd has.
_TRACKER = """[Unit]
RequiresMountsFor={0}
[Service]
BindPaths={1}:{2}
ExecStart=
ExecStart=/usr/sbin/nfsdcld -s {2}
"""
_UNKNOWN = {5: "its unit is gone already"}
_HEAD = "# kept by nfs-failover: changes here are overwritten\n"


def units(spec: ServerSpec, uuid: str, place: str) -> Tuple[Tuple[str, str], ...]:
    """Path and text of the drop-ins (systemd.unit(5)); empty for one that is not to be there. `place`: the
    host's own folder of rpc.statd; empty where clients of NFSv3 lose their locks. Pure."""
    locks, mount = _wanted(spec), home(spec).mount
    start = "echo nfs-{} > /proc/sys/kernel/hostname && exec /usr/sbin/rpc.nfsd -L {} -G {}"
    start = start.format(uuid, locks.lease, locks.grace)
    command = "echo {} > {}; {}".format(locks.grace, _LOCKD_GRACE, start)
    nfsd = '[Service]\nExecStart=\nExecStart=/usr/bin/unshare --uts /bin/sh -c "{}"\n'.format(command)
    nfsd = reclaimed.WANTED + nfsd
    texts = {NFSD_UNIT: nfsd, TRACKER_UNIT: _TRACKER.format(mount, folder(spec), _TRACKER_PLACE)}
    texts.update(reclaimed.files(folder(spec)))
    if place and spec.service_address:
        texts[NFSD_UNIT] += statd.KEPT.format(statd.folder(mount))
        texts.update(statd.units(mount, spec.service_address, place))
    return tuple((path, _HEAD + texts[path] if path in texts else "") for path in UNITS)


def _wanted(spec: ServerSpec) -> Locks:
    assert spec.locks is not None, "the layer runs only where the spec has locks"  # noqa: S101
    return spec.locks


def check(host: Host, spec: ServerSpec) -> LayerFinding:
    """Present when all units are as they should be, the daemons write on the data, and nfsd has our times."""
    here = keepers(host, spec)
    written = any(host.read(path) for path in UNITS)
    if not (here.tracker or here.statd or written):
        return LayerFinding(ABSENT, "nfsd is as the system starts it: its clients lose their locks")
    uuid = _uuid(host, spec)
    if uuid is None and not (here.tracker or here.statd or _runs(host)):
        return LayerFinding(ABSENT, "the units are there, and no daemon of them runs")
    if uuid is None:
        return LayerFinding(BROKEN, "{} is not mounted, and {} needs it".format(home(spec).mount, TRACKER))
    faults = _faults(host, spec, uuid, here) + _mislabelled(host, spec, here)
    if faults:
        return LayerFinding(BROKEN, "; ".join(faults))
    text = "nfsd's record of its clients is in {}; lease {} s, grace {} s; {}"
    v3 = here.lost or "rpc.statd's of NFSv3 is in " + statd.folder(home(spec).mount)
    return LayerFinding(PRESENT, text.format(folder(spec), *_wanted(spec), v3))


def _faults(host: Host, spec: ServerSpec, uuid: str, here: Keepers) -> List[str]:
    """All but the labels: what a new start of the daemons mends."""
    texts = units(spec, uuid, "" if here.lost else here.place)
    faults = [path + " is not as specified" for path, text in texts if (host.read(path) or "") != text]
    faults += _kept_elsewhere(spec, here)
    return faults + (_times(host, _wanted(spec)) + _untold(here) if _runs(host) else [])


def _mislabelled(host: Host, spec: ServerSpec, here: Keepers) -> List[str]:
    mount = home(spec).mount
    (*_, mounted) = mounted_on(host, mount)
    folders = [folder(spec)] + ([] if here.lost else [statd.folder(mount)])
    return record.mislabelled(host, mounted.options, folders)


def _uuid(host: Host, spec: ServerSpec) -> Optional[str]:
    """The UUID of the home's filesystem; None while it is not mounted."""
    item = home(spec)
    if not mounted_on(host, item.mount):
        return None
    return content(host, item).get("UUID", "").lower() or None


def _kept_elsewhere(spec: ServerSpec, here: Keepers) -> List[str]:
    text = "{} does not keep its record in {}"
    faults = [] if here.tracker else [text.format(TRACKER, folder(spec))]
    if not here.lost and not here.statd:
        faults.append(text.format("rpc.statd", statd.folder(home(spec).mount)))
    if here.lost and here.statd:
        faults.append("rpc.statd keeps its record on the data, and " + here.lost)
    return faults


def _untold(here: Keepers) -> List[str]:
    """An nfsd that has started and whose clients nobody tells of it: they believe in locks that are lost."""
    if here.lost or here.notice in ("active", "activating"):
        return []
    return ["{} is {}: NFSv3's clients do not know that nfsd has started".format(statd.NOTIFY, here.notice)]


def _times(host: Host, locks: Locks) -> List[str]:
    """A running nfsd's lease and grace in seconds (nfsd(7)), and lockd's: set before their threads began."""
    actual = [(host.read(path) or "").strip() for path in (_LEASE, _GRACE)]
    wanted = [str(locks.lease), str(locks.grace)]
    text = "nfsd runs with a lease of {} s and a grace of {} s, expected {} and {}"
    faults = [text.format(*(actual + wanted))] if actual != wanted else []
    lockd = (host.read(_LOCKD_GRACE) or wanted[1]).strip()  # not there without lockd
    return faults + ["lockd's grace is {} s, expected {}".format(lockd, locks.grace)] * (lockd != wanted[1])


def _runs(host: Host) -> bool:
    return (host.read(_THREADS) or "0").strip() not in ("", "0")


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Makes the folders, writes the units, starts the daemons on the data. nfsd that runs otherwise is
    stopped first: the next layer starts it, and its clients wait for the grace. Raises HookRefused.

    Where labels alone are wrong, nfsd goes on: clients that came meanwhile stand in no record, and would lose
    their locks by a new start."""
    uuid = _uuid(host, spec)
    if uuid is None:
        raise HookRefused("{} is not mounted: refusing to keep a record below".format(home(spec).mount))
    here = keepers(host, spec)
    v3 = not here.lost
    _make(host, spec, v3)
    if not here.unread and not _faults(host, spec, uuid, here):
        return ["SELinux's type of the records set to " + record.TYPE]
    done = _write(host, spec, uuid, here)
    if _runs(host):
        host.run("systemctl", "stop", "nfs-server", seconds=STOP_SECONDS)
        done.append("nfs-server stopped, to start with them")
    if v3:
        _stop_notice(host, here)
    daemons = (TRACKER, statd.STATD) if v3 else (TRACKER,)
    host.run("systemctl", "restart", *daemons, seconds=STOP_SECONDS)
    done.append("{} keeps its record in {}".format(TRACKER, folder(spec)))
    if v3:
        done.append("rpc.statd keeps its record in {}".format(statd.folder(home(spec).mount)))
    elif any(path == statd.STATD_UNIT + " removed" for path in done):
        done += _leave_statd(host)
    return done


def _stop_notice(host: Host, here: Keepers) -> None:
    """Since the boot it may count as started, and would then say nothing of the next start of nfsd."""
    if here.notice not in ("inactive", "failed"):
        host.run("systemctl", "stop", statd.NOTIFY, seconds=STOP_SECONDS)


def _write(host: Host, spec: ServerSpec, uuid: str, here: Keepers) -> List[str]:
    """The units' files, which systemd has read in the end: that takes seconds, so only where it has not."""
    done = []
    for path, text in units(spec, uuid, "" if here.lost else here.place):
        if text_file.edit(host, path, lambda _, text=text: text):  # type: ignore[misc]
            done.append("{} {}".format(path, "written" if text else "removed"))
    if done or here.unread:
        host.reload_systemd()
    return done


def make_ready(host: Host, spec: ServerSpec) -> List[str]:
    """Writes the units on a host that stands by, and ends the one that a boot has started: a takeover has
    nothing of it to do then, and its clients do not wait for systemd. Raises HookRefused where nfsd would
    start by them before a takeover, or its name is not known yet."""
    here, uuid = keepers(host, spec), home(spec).uuid
    if here.starts or here.tracker or here.statd or _runs(host):
        raise HookRefused("nfsd runs on this host, or would at a boot: the takeover itself writes its units")
    if not uuid:
        raise HookRefused("the UUID of {} is not known yet".format(home(spec).mount))
    if not here.lost:
        _stop_notice(host, here)
    return _write(host, spec, uuid, here)


def _make(host: Host, spec: ServerSpec, v3: bool) -> None:
    mount = home(spec).mount
    # systemd would make the place that it binds over with a type of its own (init_runtime_t, on Debian's
    # policy), and the host's own nfsdcld could not write there after a release
    os.makedirs(host.path(_TRACKER_PLACE), mode=0o700, exist_ok=True)
    os.close(record.open_record(host, mount, TRACKER, 0o700))
    record.label(host, folder(spec))
    if v3:
        statd.make(host, mount)


def release(host: Host, spec: ServerSpec) -> List[str]:
    """Takes the daemons from the data; an nfsd that goes on for others has its record where it was."""
    here = keepers(host, spec)
    done = remove(host)
    if not done and here.tracker:
        done += _leave(host)
    if here.statd and not any(statd.STATD_UNIT in text for text in done):
        done += _leave_statd(host)
    return done


def remove(host: Host) -> List[str]:
    """Takes all units away, also those of a site that no longer asks for them. Raises HookError."""
    removed = [path for path in UNITS if text_file.edit(host, path, lambda _: "")]
    if not removed:
        return []
    host.reload_systemd()  # before anything starts by them
    done = [path + " removed" for path in removed] + _leave(host)
    return done + (_leave_statd(host) if statd.STATD_UNIT in removed else [])


def _leave(host: Host) -> List[str]:
    host.run("systemctl", "stop", reclaimed.SERVICE, tolerate=_UNKNOWN, seconds=STOP_SECONDS)
    host.run("systemctl", "restart" if _runs(host) else "stop", TRACKER, seconds=STOP_SECONDS)
    return ["{} has left the data".format(TRACKER)]


def _leave_statd(host: Host) -> List[str]:
    """It goes on with the host's own record: this host may have locks of its own on other servers."""
    host.run("systemctl", "stop", statd.NOTIFY, seconds=STOP_SECONDS)
    host.run("systemctl", "try-restart", statd.STATD, seconds=STOP_SECONDS)
    return ["rpc.statd has left the data"]
