"""Unmounts, and ends who keeps that from happening; never lazily, never forced.

All functions change the host: `unmount` unmounts, `_let_go` ends processes that hold the mount.
"""

import signal

from hooks.host.host import CommandFailed, Host, OutOfTime
from hooks.host.mounts import mounted_on
from hooks.host.processes import listed, signal_all, users_of

SECONDS = 60.0
POLITE_SECONDS = 10.0
BUSY = {32: "busy or failed", 1: "not permitted or not mounted"}


def unmount(host: Host, mount: str) -> None:
    """umount, then TERM, then KILL for whoever holds it, in one time budget; never lazily, never forced.

    A lazy unmount would let a server's writes go on after the release was reported (umount(8)). Raises
    CommandFailed, with the holders, when it is still mounted at the end.
    """
    budget = min(SECONDS, host.left())
    if _unmounted_within(host, mount, 1.0):
        return
    for number, seconds in ((signal.SIGTERM, POLITE_SECONDS), (signal.SIGKILL, budget - POLITE_SECONDS)):
        held = users_of(host, mount)
        host.note("{}: {} to {}".format(mount, number.name, listed(held) or "nobody: /proc shows no holder"))
        signal_all(sorted(held), number)
        if _unmounted_within(host, mount, seconds):
            return
    left = listed(users_of(host, mount)) or "the kernel: look for loop devices and swap on it"
    raise CommandFailed("{}: still mounted after {:.0f} s, held by {}".format(mount, budget, left))


def _unmounted_within(host: Host, mount: str, seconds: float) -> bool:
    try:
        host.wait(mount + " to be unmounted", lambda: _let_go(host, mount), seconds, every=0.5)
    except OutOfTime as error:
        host.note(str(error))
        return False
    return True


def _let_go(host: Host, mount: str) -> bool:
    if mounted_on(host, mount):
        host.run("umount", mount, tolerate=BUSY)
    return not mounted_on(host, mount)
