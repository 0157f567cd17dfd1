"""nfsd's grace begins with nfsd, and its clients come with the service's address: the time between is theirs.

A client takes its locks back within the grace, or loses them. When it ends, nfsdcld drops the record of those
that have not come (nfsdcld(8)): nothing brings them back then. A start within the grace begins it anew, with
the whole record. A host that is busy with other work takes longer than that, and so a takeover looks before
it adds the address.

Only `keep` changes the host.
"""

import os
from typing import List, Optional
from weakref import WeakKeyDictionary

from hooks.contract.spec import ServerSpec
from hooks.host.host import Host

_NFSD = "nfs-server"
_ENDED = "/proc/fs/nfsd/v4_end_grace"  # Y or N (nfsd's sysctl files, fs/nfsd/nfsctl.c)
_CLIENTS = "/proc/fs/nfsd/clients"  # a folder for each client of NFSv4 that it knows since its start
_STARTED = "ActiveEnterTimestampMonotonic"  # of systemctl(1), in microseconds since the boot
_RESTART_SECONDS = 120.0
_BEGUN: "WeakKeyDictionary[Host, float]" = WeakKeyDictionary()  # of nfsd that this run has started


def begins(host: Host) -> None:
    """This run starts nfsd now."""
    _BEGUN[host] = host.now()


def keep(host: Host, spec: ServerSpec) -> List[str]:
    """Starts nfsd once more where half of its grace has passed without the address: clients need some of it
    to notice that the service has moved. Where it is over, the text says that. Raises HookError."""
    passed = _passed(host) if spec.locks else None
    if passed is None or spec.locks is None or _clients(host):
        return []
    if (host.read(_ENDED) or "").strip() == "Y":
        # it ends at once where the record has nobody
        over = "nfsd's grace of {} s was over before the address came: a client that had locks has lost them"
        return [over.format(spec.locks.grace)] if passed >= spec.locks.grace else []
    if passed < spec.locks.grace / 2:
        return []
    host.run("systemctl", "restart", _NFSD, seconds=_RESTART_SECONDS)
    text = "{} started once more: {:.0f} s of its grace of {} s had passed without the address"
    return [text.format(_NFSD, passed, spec.locks.grace)]


def _passed(host: Host) -> Optional[float]:
    """Seconds since nfsd's start; None where systemd does not know."""
    began = _BEGUN.get(host)
    if began is None:  # an earlier run started it
        words = host.run("systemctl", "show", "-p", _STARTED, "--value", _NFSD).out.split()
        began = int(words[0]) / 1e6 if words and words[0].isdigit() and int(words[0]) else None
    return None if began is None else host.now() - began


def _clients(host: Host) -> bool:
    """Whether nfsd knows clients since its start: they have their state, whatever the address does."""
    try:
        return bool(os.listdir(host.path(_CLIENTS)))
    except OSError:
        return False
