"""Whether clients would keep their locks on this host: as SELinux has it, and NFSv3 where nfsd serves it."""

import re
from itertools import chain
from typing import Iterator

from hooks.contract.spec import ServerSpec
from hooks.host import text_file
from hooks.host.host import Host
from hooks.host.mounts import mounts
from hooks.layers.locks import record, statd
from hooks.survey import nfs
from hooks.survey.host import programs, unit
from hooks.survey.remark import Remark, refusal, warning

_PACKAGE = "nfs-common (EL: nfs-utils)"
_NO = ("0", "n", "no", "f", "false", "off", "nil")  # nfs.conf(5)
OR = ", or set vers3=n in [nfsd] of /etc/nfs.conf where no client mounts by NFSv3"
_OWN = (
    "{}: this host mounts it by NFSv3 with locks: lockd runs already, so that a takeover here gives the "
    "clients of NFSv3 no time to take theirs back; and its own locks there are recorded with the data; "
    "mount it with nolock, or by NFSv4"
)
_ONE_CONTEXT = re.compile(r'(?:^|,)context="?[^:",]*:[^:",]*:([^:",]*)')
_SHUT = (
    "{}: its option context= gives every file SELinux's type {}, and nfsdcld may write {} alone; mount it "
    "without that option, or with that type, or set keep_locks to false"
)


def one_context(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """Nobody can label the records where the filesystem has one context for all files (mount(8))."""
    item = record.home(spec)
    context = _ONE_CONTEXT.search(item.options)
    enforcing = (host.read(text_file.SELINUX) or "").strip() == "1"
    if enforcing and context and context.group(1) != record.TYPE:
        yield refusal(_SHUT, item.mount, context.group(1), record.TYPE)


def of_nfsv3(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """A target whose rpc.statd is masked takes over all the same, and those locks are lost."""
    if not kept_of_nfsv3(host, spec):
        return
    judges = [programs(host, ("rpc.statd", _PACKAGE), ("sm-notify", _PACKAGE))]
    judges += [unit(host, name, _PACKAGE) for name in statd.NEEDED]
    for refused, text in chain.from_iterable(judges):
        yield Remark(refused, text + OR)


def own(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """lockd gives a grace when it starts, and it starts with the first mount (measured on Linux 6.1)."""
    if not kept_of_nfsv3(host, spec):
        return
    for item in mounts(host):
        options = item.options.split(",")
        if item.type == "nfs" and "vers=3" in options and "local_lock=none" in options:
            yield warning(_OWN, item.mount)


def kept_of_nfsv3(host: Host, spec: ServerSpec) -> bool:
    """Whether locks of NFSv3 are to be kept: it is served, and by the service's address."""
    return bool(spec.service_address) and nfs.settings(host).get("vers3", "y").lower() not in _NO
