"""NFSv3's part: rpc.statd's record of the clients that have locks lies with the data, and they are told.

lockd's locks end with its host. A client takes its own back when it is told that the server has started anew:
from the address that it mounts by, with a state number that it has not seen, and within lockd's grace
(sm-notify(8); the client's rpc.statd compares the sender's address). So `sm`, `sm.bak` and `state` go with
the data, and the unit that tells the clients waits for nfsd and for the service's address. resource-agents'
nfsserver does the same.

Outside a grace it tells nobody: a client that asks for its locks then is refused, and gives up those that it
still has. So the unit runs once for each start of nfsd, and not for one of rpc.statd, which wants it too.

Functions with a `host` read it. Only `make` changes it. `units` is pure.
"""

import os
from typing import Tuple

from hooks.contract.spec import ServiceAddress
from hooks.host import mounted_folder
from hooks.host.host import Host
from hooks.layers.locks import record

STATD, NOTIFY = "rpc-statd", "rpc-statd-notify"
NEEDED = (STATD, "rpcbind.socket")  # administrators mask them where no client is of NFSv3
STATD_UNIT = "/etc/systemd/system/rpc-statd.service.d/nfs-failover-locks.conf"
NOTIFY_UNIT = "/etc/systemd/system/rpc-statd-notify.service.d/nfs-failover-locks.conf"
_PLACES = ("/var/lib/nfs/statd", "/var/lib/nfs")  # EL's and Debian's; their `sm` is the daemon's own user's
_LISTS = ("sm", "sm.bak")
# Not every filesystem's root lets a daemon through that is no root: it has the folder in the place of its own
# one, where it gets in on any host.
_ON_DATA = "[Unit]\nRequiresMountsFor={mount}\n{more}[Service]\nBindPaths={folder}:{place}\n"
_DAEMON = "ExecStart=\nExecStart=/usr/sbin/rpc.statd -P {place}\n"
# sm-notify(8) tries for 15 minutes; so long the address may take too. The shell itself reads the file: a
# program for each look would take a tenth of the processor from the takeover that it waits for.
_TELL = """TimeoutStartSec=900
ExecStart=
ExecStart=/bin/sh -c "\\
until {{ read -r n < /proc/fs/nfsd/threads; }} 2> /dev/null && [ $$n -gt 0 ] && \\
ip -o address show to {address} | grep -q .; do sleep 1; done; \\
grep -qs N /proc/fs/lockd/nlm_end_grace || {{ echo lockd has no grace: nobody is told; exit 0; }}; \\
exec /usr/sbin/sm-notify -f -P {place} -v {address}"
"""
# lockd may have its clients struck off the list as it stops: who is to be told stands in the other one
KEPT = """ExecStop=
ExecStop=-/bin/cp -a --remove-destination {0}/sm/. {0}/sm.bak
ExecStop=/usr/sbin/rpc.nfsd 0
"""


def folder(mount: str) -> str:
    return record.path(mount, "statd")


def units(mount: str, address: ServiceAddress, place: str) -> Tuple[Tuple[str, str], ...]:
    """Path and text of both drop-ins (systemd.exec(5), systemd.unit(5)). `place`: the host's own folder."""
    values = {"mount": mount, "folder": folder(mount), "place": place, "address": address.address}
    return (
        (STATD_UNIT, (_ON_DATA + _DAEMON).format(more="", **values)),
        (NOTIFY_UNIT, (_ON_DATA + _TELL).format(more="PartOf=nfs-server.service\n", **values)),
    )


def own_place(host: Host) -> str:
    """The folder of the host's own rpc.statd; empty where there is none."""
    return next((place for place in _PLACES if os.path.isdir(host.path(place + "/sm"))), "")


def is_in(host: Host, pid: str, path: str) -> bool:
    """Whether the daemon works in this folder, by whatever name it knows it (rpc.statd changes into it)."""
    try:
        return os.path.samestat(os.stat(host.path("/proc/{}/cwd".format(pid))), os.stat(host.path(path)))
    except OSError:
        return False  # MainPID 0, or either is not there


def make(host: Host, mount: str) -> None:
    """The folder with both lists, which belong to the user that the daemon becomes: its number may be another
    one on each host. Raises HookRefused, OSError."""
    status = os.stat(host.path(own_place(host) + "/sm"))
    base = record.open_record(host, mount, "statd", 0o755)
    try:
        for name in _LISTS:
            if name not in os.listdir(base):
                os.mkdir(name, 0o700, dir_fd=base)
            _give(name, base, status.st_uid, status.st_gid)
    finally:
        os.close(base)
    record.label(host, folder(mount))


def _give(name: str, base: int, uid: int, gid: int) -> None:
    inner = os.open(name, mounted_folder.DIRECTORY, dir_fd=base)
    try:
        os.fchown(inner, uid, gid)
        for entry in os.listdir(inner):
            os.chown(entry, uid, gid, dir_fd=inner, follow_symlinks=False)
    finally:
        os.close(inner)
