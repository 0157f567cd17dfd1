"""The mark of a release: what was given up is not taken over again by itself.

It lasts until the volumes were gone, until a reboot, or until an operator's `apply`.
"""

import os

from hooks.host.host import Host

_MARK = "/run/nfs-failover.released"


def remember(host: Host) -> None:
    """Sets the mark."""
    open(host.path(_MARK), "w").close()


def forget(host: Host) -> None:
    """Clears the mark, if it is there."""
    if released(host):
        os.unlink(host.path(_MARK))


def released(host: Host) -> bool:
    """Whether this host was released and is to stay so."""
    return os.path.exists(host.path(_MARK))
