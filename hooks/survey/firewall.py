"""Whether this host's firewall would keep the clients out after a takeover."""

from typing import Dict, Iterator

from hooks.contract.spec import ServerSpec
from hooks.hints import firewalld
from hooks.host.host import HookError, Host
from hooks.survey import locks, nfs
from hooks.survey.remark import Remark, holds, refusal, warning

_LOCKD = "/proc/sys/fs/nfs/nlm_tcpport"
_MOUNTD = 20048  # EL's, and firewalld's service of that name
_V3 = (
    "firewalld: no zone in use lets in what clients of NFSv3 need for mounts and locks: {}; open it with "
    "`firewall-cmd --add-service` or `--add-port` (and --permanent)"
)


def closed(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """Refused where firewalld lets no NFS in; a warning on a host that serves now, or has direct rules.

    Rules that firewalld does not list with its zones may let clients in (firewall-cmd(1), --direct). Also a
    warning: firewalld runs and gives no answer; in an outage, a takeover is not refused for that. And, where
    locks are kept: what NFSv3 needs beside port 2049.
    """
    try:
        zones = firewalld.zones_in_use(host)
        texts = firewalld.closed_in(zones)
        wanted = _of_nfsv3(host) if spec.locks and locks.kept_of_nfsv3(host, spec) else {}
        shut = firewalld.not_let_in(zones, wanted)
        serves = holds(host, spec)
        unlisted = bool(shut or (texts and not serves)) and firewalld.has_direct_rules(host)
        remark = warning if serves or unlisted else refusal
    except HookError as error:
        text = "firewalld runs, and did not say whether it lets NFS in: {}; look at `firewall-cmd --list-all`"
        yield warning(text, error)
    else:
        yield from (remark("{}", text) for text in texts)
        if shut and not unlisted:
            ports = ", ".join("{} (tcp {})".format(name, wanted[name]) for name in shut)
            yield warning(_V3 + locks.OR, ports)


def _of_nfsv3(host: Host) -> Dict[str, int]:
    """By service; mountd's and lockd's ports as they are set here. One by chance can be let in by nobody."""
    by_kernel = (host.read(_LOCKD) or "").strip()  # as modprobe.d(5) or sysctl.d(5) set it
    mountd, lockd = (nfs.configured(host, name).get("port", "") for name in ("mountd", "lockd"))
    ports = {"mountd": mountd, "lockd": lockd or by_kernel}
    numbers = {name: int(text) for name, text in ports.items() if text.isdigit() and int(text)}
    return {"rpc-bind": 111, "mountd": _MOUNTD, **numbers}
