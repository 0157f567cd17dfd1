"""What the client's own unit does each time: looks, waits until it is sure, and moves the mounts.

It acts only when the server of a mount has missed PROBES looks in a row, PAUSE_SECONDS apart, and one other
server of the site serves instead (moved.py). Whatever answers once is not moved. The cure is the client
hook's, without a reboot.
"""

import json
from contextlib import AbstractContextManager
from typing import Callable, List, Optional, Set

from hooks import walk
from hooks.client.view import ClientView
from hooks.contract.client_spec import ClientSpec
from hooks.contract.result import Layer
from hooks.follow import moved, unit
from hooks.follow.nfs_call import NfsCalls
from hooks.host import text_file
from hooks.host.host import Host

PROBES = 5
PAUSE_SECONDS = 15.0
REST_SECONDS = 900.0  # between two attempts
Exclusive = Callable[[], "AbstractContextManager[None]"]


def follow(host: Host, spec: ClientSpec, calls: NfsCalls, exclusive: Exclusive) -> Optional[List[Layer]]:
    """Moves the mounts where their server has gone; None when there is nothing to do.

    `exclusive`: holds the host's lock. Raises OSError, and Busy while somebody else changes this client.
    """
    lost = _silent_for_good(host, spec, calls)
    if not lost:
        return None
    verdict = moved.verdict(ClientView(host, spec), lost, calls)
    names = ", ".join(sorted(lost))
    if not verdict.target:
        host.note("{} answers no more; left as it is: {}".format(names, verdict.why))
        return None
    rest = _rest(host)
    if rest > 0:
        host.note("{}: the next attempt is in {:.0f} s at the earliest".format(verdict.why, rest))
        return None
    with exclusive():
        return _cure(host, spec, calls, lost)


def _silent_for_good(host: Host, spec: ClientSpec, calls: NfsCalls) -> Set[str]:
    """The servers in use that have missed every look."""
    lost: Set[str] = set()
    for count in range(PROBES):
        if count:
            host.sleep(PAUSE_SECONDS)
        reasons = moved.silent(ClientView(host, spec), calls)
        lost = lost & set(reasons) if count else set(reasons)
        if not lost:
            return lost
        texts = "; ".join("{}: {}".format(name, reasons[name]) for name in sorted(lost))
        host.note("look {} of {}: {}".format(count + 1, PROBES, texts))
    return lost


def _cure(host: Host, spec: ClientSpec, calls: NfsCalls, lost: Set[str]) -> Optional[List[Layer]]:
    """Looks once more under the lock: an operator may have moved the client meanwhile."""
    view = ClientView(host, spec)
    lost = lost & set(moved.silent(view, calls))
    verdict = moved.verdict(view, lost, calls) if lost else moved.Verdict("", "its server answers")
    if not verdict.target:
        host.note("left as it is: " + verdict.why)
        return None
    host.note("{} answers no more, and {}: the mounts move".format(", ".join(sorted(lost)), verdict.why))
    _remember(host)
    return walk.apply(host, spec._replace(server=verdict.target, mode="remount"), ())


def _rest(host: Host) -> float:
    """Seconds until another attempt may be made."""
    try:
        at = float(json.loads(host.read(unit.ATTEMPT) or "null"))
    except (TypeError, ValueError):
        return 0.0
    passed = host.now() - at
    return REST_SECONDS - passed if passed >= 0 else 0.0


def _remember(host: Host) -> None:
    text_file.edit(host, unit.ATTEMPT, lambda _: json.dumps(round(host.now(), 1)) + "\n", 0o600)
