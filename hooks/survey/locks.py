"""Whether clients of NFSv3 would keep their locks on this host, where nfsd serves them."""

from itertools import chain
from typing import Iterator

from hooks.contract.spec import ServerSpec
from hooks.host.host import Host
from hooks.host.mounts import mounts
from hooks.layers.locks import statd
from hooks.survey import nfs
from hooks.survey.host import programs, unit
from hooks.survey.remark import Remark, warning

_PACKAGE = "nfs-common (EL: nfs-utils)"
_NO = ("0", "n", "no", "f", "false", "off", "nil")  # nfs.conf(5)
_OR = ", or set vers3=n in [nfsd] of /etc/nfs.conf where no client mounts by NFSv3"
_OWN = (
    "{}: this host mounts it by NFSv3 with locks: lockd runs already, so that a takeover here gives the "
    "clients of NFSv3 no time to take theirs back; and its own locks there are recorded with the data; "
    "mount it with nolock, or by NFSv4"
)


def of_nfsv3(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """A target whose rpc.statd is masked takes over all the same, and those locks are lost."""
    if not _kept(host, spec):
        return
    judges = [programs(host, ("rpc.statd", _PACKAGE), ("sm-notify", _PACKAGE))]
    judges += [unit(host, name, _PACKAGE) for name in statd.NEEDED]
    for refused, text in chain.from_iterable(judges):
        yield Remark(refused, text + _OR)


def own(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """lockd gives a grace when it starts, and it starts with the first mount (measured on Linux 6.1)."""
    if not _kept(host, spec):
        return
    for item in mounts(host):
        options = item.options.split(",")
        if item.type == "nfs" and "vers=3" in options and "local_lock=none" in options:
            yield warning(_OWN, item.mount)


def _kept(host: Host, spec: ServerSpec) -> bool:
    return bool(spec.service_address) and nfs.settings(host).get("vers3", "y").lower() not in _NO
