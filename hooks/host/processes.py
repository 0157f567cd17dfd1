"""Which processes run, and which keep a filesystem busy, read from /proc alone (as fuser -m does)."""

import os
import signal
from contextlib import suppress
from typing import Dict, Iterator, List

from hooks.host.host import Host


def users_of(host: Host, mount: str) -> Dict[int, str]:
    """Pid and name of every process with its directory, program, mapped or open file under `mount`."""
    return {
        int(pid): _name(host, pid) or "?"
        for pid in _pids(host)
        if int(pid) not in (1, os.getpid()) and _holds(host, pid, mount)
    }


def is_running(host: Host, name: str) -> bool:
    """Whether any process has this name (proc_pid_comm(5))."""
    return any(_name(host, pid) == name for pid in _pids(host))


def _pids(host: Host) -> List[str]:
    return [entry for entry in os.listdir(host.path("/proc")) if entry.isdigit()]


def _name(host: Host, pid: str) -> str:
    return _read(host, "/proc/{}/comm".format(pid)).strip()


def listed(held: Dict[int, str]) -> str:
    return ", ".join("{} ({})".format(pid, name) for pid, name in sorted(held.items()))


def signal_all(pids: List[int], number: "signal.Signals") -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # it ended by itself, which is what the signal is for
            os.kill(pid, number)


def _holds(host: Host, pid: str, mount: str) -> bool:
    return any(name == mount or name.startswith(mount + "/") for name in _names(host, pid))


def _names(host: Host, pid: str) -> Iterator[str]:
    """Reading links in /proc asks the kernel's cache, not the filesystem: it cannot hang on a dead one."""
    base = "/proc/{}/".format(pid)
    try:
        links = ["cwd", "root", "exe"] + ["fd/" + name for name in os.listdir(host.path(base + "fd"))]
    except OSError:
        return  # it ended meanwhile
    for link in links:
        try:
            yield os.readlink(host.path(base + link))
        except OSError:
            continue  # closed meanwhile, or a kernel thread
    for line in (_read(host, base + "maps") or "").splitlines():
        yield line.partition("/")[1] + line.partition("/")[2]


def _read(host: Host, name: str) -> str:
    try:
        return host.read(name) or ""
    except OSError:
        return ""
