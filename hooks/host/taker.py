"""Who takes over: an operator's run that has announced itself goes first, and the boot service after it.

Both at once would cost twice on one host, and clients wait. The mark ends with the boot. A run that died
after it delays the boot service for HELD_BACK_SECONDS, once.
"""

from hooks.host.host import Host

HELD_BACK_SECONDS = 30.0  # after all volumes are there; a run begins within a second or two of that
_MARK = "/run/nfs-failover.taker"
_VALID_SECONDS = 900.0  # a run that launches a server announces itself before the volumes are on their way


def announce(host: Host) -> None:
    """An operator's run is going to take over here. The time is the host's own, since its boot."""
    with open(host.path(_MARK), "w", encoding="ascii") as file:
        file.write("{:.0f}".format(host.now()))


def announced(host: Host) -> bool:
    """Whether one has said so lately."""
    text = (host.read(_MARK) or "").strip()
    return text.isdigit() and 0 <= host.now() - int(text) <= _VALID_SECONDS
