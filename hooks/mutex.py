"""One change at a time on a host: the boot service and an operator's command never interleave."""

import fcntl
from contextlib import contextmanager
from typing import Iterator

from hooks.runner import Host

_LOCK = "/run/nfs-failover.lock"


@contextmanager
def alone(host: Host, action: str, seconds: float) -> Iterator[None]:
    """Holds the host's lock; raises OutOfTime when another run keeps it for that many seconds.

    The lock is the kernel's (flock(2)), so it dies with its holder and is never stale.
    """
    with open(host.path(_LOCK), "a") as file:
        host.wait("another run to let go of " + _LOCK, lambda: _try(file.fileno()), seconds)
        host.note("lock held for {}".format(action))
        yield


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
