"""The NFS layer: our own exports file and the server, exporting nothing whose filesystem is not mounted.

Functions with a `host` read it. Only `apply`, `release`, `_start` and `_stop` change it.
"""

import functools
import os
import re
import stat
from typing import Callable, List, Set, Tuple

from hooks.contract.result import ABSENT, BROKEN, PRESENT, LayerFinding
from hooks.contract.spec import ServerSpec, filesystem_of
from hooks.host import text_file
from hooks.host.host import HookRefused, Host, refuse
from hooks.host.mounts import mounted_on, mounts
from hooks.layers import exports
from hooks.layers.exports import Pair
from hooks.layers.filesystem import ours
from hooks.layers.fstab import restore
from hooks.layers.locks import grace, locks
from hooks.layers.locks.keepers import unit_states
from hooks.layers.served import served

NAME = "nfs"
SERVICE = "nfs-server"
START_SECONDS = 120.0
STOP_SECONDS = 60.0
_THREADS = "/proc/fs/nfsd/threads"
_KERNEL = "/proc/net/rpc/nfsd.export/content"
_PORT = "0801"  # 2049 in /proc/net/tcp's hexadecimal
_LISTENING = re.compile(r"^\s*\d+: [0-9A-F]+:" + _PORT + r" \S+ 0A ", re.MULTILINE)
_COMPLAINED = {1: "complained, perhaps of another file's line; the next check reads our exports"}
_NOT_EXPORTED = {1: "not exported"}


def check(host: Host, spec: ServerSpec) -> LayerFinding:
    """Present when nfsd runs and listens, and every export of the spec is in the kernel's table."""
    service, threads, exported = _service(host, spec), _threads(host), _exported(host)
    own, pairs = host.read(exports.OWN) or "", exports.wanted(spec)
    served_by_pair = {pair: served(host, pair, exported) for pair in pairs}
    missing, nameless = ([pair for pair in pairs if served_by_pair[pair] is value] for value in (False, None))
    facts = {
        "service": service,
        "threads": threads,
        "exported": sorted(" to ".join(pair) for pair in exported),
    }
    if not own and not _left(host, spec, exported):
        return LayerFinding(ABSENT, "nothing of the spec is exported", dict(facts))
    missing += nameless if len(nameless) == len(pairs) else []
    faults = ["{} is not exported to {}".format(*pair) for pair in missing] + _unmounted(host, spec)
    faults += [] if service == ("active", "enabled") else ["{} is {}".format(SERVICE, ", ".join(service))]
    faults += [] if threads and _listening(host) else ["nfsd does not listen on port 2049"]
    faults += [
        name + " is not as specified"
        for name, text in _files(spec, _elsewhere(host))
        if (host.read(name) or "") != text
    ]
    if faults:
        return LayerFinding(BROKEN, "; ".join(faults), dict(facts))
    texts = ["exported: " + ", ".join(" to ".join(pair) for pair in pairs if pair not in nameless)]
    texts += ["not exported to {}, a name without an address here".format(pair[1]) for pair in nameless]
    return LayerFinding(PRESENT, "; ".join(texts), dict(facts))


def look(host: Host, spec: ServerSpec) -> LayerFinding:
    """The same for an operator's question, with what `afterwards` says."""
    finding = check(host, spec)
    texts = afterwards(host) if finding.state == PRESENT else []
    return finding._replace(message="; ".join([finding.message, *texts]))


def _left(host: Host, spec: ServerSpec, table: Set[Pair]) -> List[str]:
    """Paths on the spec's filesystems that are exported, whoever exports them: by the table of exportfs(8)
    and by the kernel's own, which keeps a client's entry until it is flushed (nfsd(7))."""
    kernel = [line for line in (host.read(_KERNEL) or "").splitlines() if not line.startswith("#")]
    paths = {path for path, _ in table | exports.parse("\n".join(kernel))}
    return sorted(filter(concerning(host, spec), paths))


def concerning(host: Host, spec: ServerSpec) -> Callable[[str], bool]:
    """Whether a path lies in one of the spec's filesystems: below its mount point, or below another one, as
    bind mounts in the root of NFSv4 are."""
    prefixes = [
        item.mount + "/" for item in mounts(host) if any(ours(host, one, item) for one in spec.filesystems)
    ]
    return lambda path: exports.concerned(spec, path) or (path + "/").startswith(tuple(prefixes))


def _service(host: Host, spec: ServerSpec) -> Tuple[str, str]:
    """Whether systemd has it active, and enabled at boot or by the end of this run (systemctl(1), show)."""
    if spec.locks:  # the layer below has just asked the same: one answer for both
        properties = unit_states(host).get(SERVICE, {})
    else:
        out = host.query("systemctl", "show", "-p", "ActiveState,UnitFileState", SERVICE).out
        properties = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    enabled = properties.get("UnitFileState", "") or "not installed"
    return properties.get("ActiveState", ""), "enabled" if SERVICE in host.enable_due else enabled


def _threads(host: Host) -> int:
    """How many nfsd threads the kernel runs; 0 when nfsd is not even loaded (nfsd(7))."""
    text = (host.read(_THREADS) or "0").strip()
    return int(text) if text.isdigit() else 0


def _listening(host: Host) -> bool:
    return any(_LISTENING.search(host.read("/proc/net/" + table) or "") for table in ("tcp", "tcp6"))


def _exported(host: Host) -> Set[Pair]:
    return exports.parse(host.query("exportfs", "-s").out)


def files(host: Host) -> List[str]:
    """Administrators' own files of exports."""
    folder, own = os.path.split(exports.OWN)
    names = sorted(os.listdir(host.path(folder))) if os.path.isdir(host.path(folder)) else []
    return ["/etc/exports"] + [
        os.path.join(folder, name) for name in names if name != own and name.endswith(".exports")
    ]


def _elsewhere(host: Host) -> Set[Pair]:
    """What administrators' own files export."""
    return {pair for name in files(host) for pair in exports.parse(host.read(name) or "")}


def _files(spec: ServerSpec, elsewhere: Set[Pair]) -> List[Tuple[str, str]]:
    """Our own files and their texts; empty for one that is not to be there."""
    own = exports.own_text(spec, elsewhere)
    return [(exports.OWN, own), (exports.ORDER, exports.order(spec, own))]


def _replaced(text: str, _: str) -> str:
    return text


def _unmounted(host: Host, spec: ServerSpec) -> List[str]:
    mounts = {item.mount for item in (filesystem_of(spec, export.path) for export in spec.exports) if item}
    return [mount + " is not mounted" for mount in sorted(mounts) if not mounted_on(host, mount)]


def afterwards(host: Host) -> List[str]:
    """What would keep clients out all the same. firewall-cmd(1) takes seconds: a run asks when all layers are
    up, for clients' locks are lost when the address comes later than nfsd's grace."""
    from hooks.hints import firewalld  # noqa: PLC0415 - where the service is broken alone

    return firewalld.hints(host)


def refusals(host: Host, spec: ServerSpec) -> List[str]:
    """Why this host cannot serve as it is; a filesystem that is not here yet is no reason."""
    texts = []
    if _listening(host) and not _threads(host):
        out = host.run("ss", "-Hltnp", "sport = :2049").out
        texts.append("port 2049: found {}, expected a free port; stop it first".format(" ".join(out.split())))
    for export in spec.exports:
        filesystem = filesystem_of(spec, export.path)
        here = filesystem and mounted_on(host, filesystem.mount)
        if here and _is_no_directory(host.path(export.path)):
            texts.append("{}: no such directory, expected what clients mount; make it".format(export.path))
    return texts


def _is_no_directory(path: str) -> bool:
    """An I/O error is no proof of that."""
    try:
        return not stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Exports what the spec names and starts the server; what was done.

    Raises HookRefused while a filesystem is not mounted, or for one of the `refusals`.
    """
    unmounted = _unmounted(host, spec)
    if unmounted:
        raise HookRefused("{}: refusing to export the empty directory below".format("; ".join(unmounted)))
    refuse(refusals(host, spec))
    service = _service(host, spec)
    done = [name + " as before its release" for name in files(host) if text_file.edit(host, name, restore)]
    elsewhere = _elsewhere(host)
    done += [
        "{} to {} is exported by another file already".format(*pair)
        for pair in exports.wanted(spec)
        if pair in elsewhere
    ]
    done += [
        name + (" written" if text else " removed")
        for name, text in _files(spec, elsewhere)
        if text_file.edit(host, name, functools.partial(_replaced, text))
    ]
    done += [] if spec.locks else locks.remove(host)  # a site that no longer asks for them
    return done + _start(host, *service)


def _start(host: Host, active: str, enabled: str) -> List[str]:
    if active == "active" and _threads(host):
        host.run("exportfs", "-ra", tolerate=_COMPLAINED)
        _at_boot(host, enabled)
        return ["exports read again"]
    if active in ("failed", "active"):  # active without threads: somebody stopped nfsd behind systemd's back
        host.run("systemctl", "stop", SERVICE, seconds=STOP_SECONDS)
        host.run("systemctl", "reset-failed", SERVICE, tolerate={1: "nothing to reset"})
    grace.begins(host)
    host.run("systemctl", "start", SERVICE, seconds=START_SECONDS)
    if not _threads(host):
        # systemctl(1) succeeds where a condition has it skipped. What a generator said at the boot may be
        # over: an image's guard has it wait for mounts that are put off (hooks/guard/script.py).
        host.reload_systemd()
        host.run("systemctl", "start", SERVICE, seconds=START_SECONDS)
    _at_boot(host, enabled)
    return [SERVICE + " started"]


def _at_boot(host: Host, enabled: str) -> None:
    """For the next boot the service is enabled when no client waits any more, and systemd reads the exports
    again then: they give the order of the next shutdown (nfs-server-generator(8))."""
    if enabled != "enabled":
        host.enable_due.append(SERVICE)
    host.reload_due = True


def release(host: Host, spec: ServerSpec) -> List[str]:
    """Takes back every export of the spec's filesystems, whoever made it, so that no command and no boot
    brings it back, and stops the server unless it exports something else. Raises HookError."""
    done = []
    for own in (exports.OWN, exports.ORDER):
        if text_file.edit(host, own, lambda _: ""):
            done.append(own + " removed")

    concerned = concerning(host, spec)

    def mine_to_put_off(path: str) -> bool:
        return concerned(path) or concerned(host.real(path) or path)

    for name in files(host):
        if text_file.edit(host, name, lambda text: exports.put_off(text, mine_to_put_off)):
            done.append(name + ": its lines for these filesystems are put off until the next takeover here")
    exported = _exported(host)
    mine = sorted(pair for pair in exported if concerned(pair[0]))
    for path, client in mine:
        name = "[" + client + "]" if ":" in client else client
        host.run("exportfs", "-u", name + ":" + path, tolerate=_NOT_EXPORTED)
        done.append("{} is no longer exported to {}".format(path, client))
    if exported - set(mine):
        host.run("exportfs", "-f")
        return done + ["{} goes on with other exports".format(SERVICE)] * bool(done)
    done += _stop(host, spec)
    # a record of clients on the data would keep the filesystem busy
    return done + ([] if spec.locks else locks.remove(host))


def _stop(host: Host, spec: ServerSpec) -> List[str]:
    """Stops nfsd and waits for its threads, the last ones to hold the filesystem."""
    active, enabled = _service(host, spec)
    if active not in ("active", "activating") and enabled != "enabled" and not _threads(host):
        return []
    if enabled == "enabled":  # first: whatever ends this run, no boot brings the service back
        host.run("systemctl", "disable", "--no-reload", SERVICE)
    host.reload_due = True
    host.run("systemctl", "stop", SERVICE, seconds=STOP_SECONDS)
    host.wait("nfsd to end its threads", lambda: not _threads(host), STOP_SECONDS)
    return [SERVICE + " stopped"]
