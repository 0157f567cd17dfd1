"""systemd's units of a host as systemctl(1) tells and changes them, and the processes that they stand for."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hooks.host.host import CommandOutcome
from tests.model.host.automounts import start_autofs, stop_autofs
from tests.model.host.tools import HangError, Unmodelled, fail, none_left, ok, option, taken, tool

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost

_ALIASES = {"nfs-kernel-server": "nfs-server", "open-iscsi": "iscsid"}
_PIDS = {"iscsid": 77, "autofs": 78, "firewalld": 79}
_HOLDERS = 9_000_000  # beyond pid_max: no process of this machine has such a number
RUNNING: dict[int, LinuxHost] = {}


@dataclass
class Unit:
    """`enabled` by the files; `remembered` is what UnitFileState says until systemd reads them again."""

    installed: bool = True
    enabled: str = "disabled"
    active: bool = False
    remembered: str = ""

    @property
    def masked(self) -> bool:
        return self.enabled == "masked"


class Units:
    """Units by name without `.service`."""

    def __init__(self, host: LinuxHost) -> None:
        self.host = host
        self._units = {
            "nfs-server": Unit(),
            "iscsid": Unit(),
            "rpcbind": Unit(enabled="enabled", active=True),
            "autofs": Unit(installed=False),
            "firewalld": Unit(installed=False),
        }
        self._holding: dict[int, str] = {}

    def __getitem__(self, name: str) -> Unit:
        plain = name.removesuffix(".service").removesuffix(".socket")
        plain = _ALIASES.get(plain, plain)
        if plain not in self._units:
            raise Unmodelled("unit " + name)
        return self._units[plain]

    def read_again(self) -> None:
        for unit in self._units.values():
            unit.remembered = ""

    def runs(self, name: str) -> bool:
        return self[name].active

    def start(self, name: str) -> None:
        self[name].active = True
        if name in _PIDS:
            self.host.write(f"/proc/{_PIDS[name]}/comm", name + "\n")
        if name == "nfs-server":
            self.host.nfsd.start()
        elif name == "autofs":
            start_autofs(self.host)

    def stop(self, name: str) -> None:
        self[name].active = False
        if name in _PIDS:
            shutil.rmtree(self.host.path(f"/proc/{_PIDS[name]}"), ignore_errors=True)
        if name == "nfs-server":
            self.host.nfsd.stop()
        elif name == "autofs":
            stop_autofs(self.host)

    def work_in(self, folder: str) -> None:
        """A process whose working directory this is; it stays until a signal."""
        pid = _HOLDERS + len(RUNNING)
        RUNNING[pid] = self.host
        self._holding[pid] = folder
        self.host.write(f"/proc/{pid}/comm", "rsync\n")
        Path(self.host.path(f"/proc/{pid}/cwd")).symlink_to(folder)
        Path(self.host.path(f"/proc/{pid}/fd")).mkdir()

    def holding(self) -> list[int]:
        return list(self._holding)

    def working_directories(self) -> list[str]:
        return list(self._holding.values())

    def end_all(self) -> None:
        """As the power goes: no process is left, and no unit has a word in it."""
        for pid in [*_PIDS.values(), *self._holding]:
            shutil.rmtree(self.host.path(f"/proc/{pid}"), ignore_errors=True)
        self._holding.clear()

    def end(self, pid: int) -> None:
        del self._holding[pid]
        shutil.rmtree(self.host.path(f"/proc/{pid}"))


def kill(pid: int, number: int) -> None:
    """In the place of os.kill: a process of the model ends at the first signal; no other is touched."""
    if pid not in RUNNING:
        raise AssertionError(f"signal {number} to {pid}, which is no process of the model")
    if pid not in RUNNING[pid].units.holding():
        raise ProcessLookupError(pid)
    RUNNING[pid].units.end(pid)


@tool("systemctl")
def systemctl(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    verb = arguments.pop(0)
    if verb == "show":
        return _show(host, arguments)
    if verb == "daemon-reload":
        none_left("systemctl", arguments)
        return _daemon_reload(host)
    now = bool(taken(arguments, "--now"))
    taken(arguments, "--quiet", "-q", "--no-block")
    reload = not taken(arguments, "--no-reload")
    (name,) = arguments
    name = _ALIASES.get(name.removesuffix(".service"), name.removesuffix(".service"))
    if verb in _BY_FILES:
        outcome = _by_files(host, name, verb, now)
        if reload:
            _daemon_reload(host)
        return outcome
    if verb not in _VERBS or not reload:
        raise Unmodelled("systemctl " + verb + ("" if reload else " --no-reload"))
    return _VERBS[verb](host, name, now)


def _show(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    wanted = (option(arguments, "-p", "--property") or "").split(",")
    value_only = taken(arguments, "--value")
    text = ""
    for name in arguments:
        unit = host.units[name]
        load = "masked" if unit.masked else "loaded" if unit.installed else "not-found"
        found = {
            "ActiveState": "active" if unit.active else "inactive",
            "SubState": "running" if unit.active else "dead",
            "UnitFileState": (unit.remembered or unit.enabled) if unit.installed else "",
            "LoadState": load,
            "NeedDaemonReload": "no",
            "Id": name.removesuffix(".service") + ".service",
        }
        unknown = [key for key in wanted if key not in found]
        if unknown:
            raise Unmodelled(f"systemctl show -p {unknown[0]}")
        text += ("\n" if text else "") + "".join(
            f"{'' if value_only else key + '='}{found[key]}\n" for key in wanted
        )
    return ok(text)


def _daemon_reload(host: LinuxHost) -> CommandOutcome:
    """It waits 90 s for a hung NFS mount that fstab names (measured), and reads the units all the same."""
    from tests.model.host.mount_tools import fstab, same_target  # noqa: PLC0415 - they know units

    host.units.read_again()
    for mount in host.mounts.table:
        named = any(
            same_target(host, line.mount, mount.mount) for line in fstab(host) if line.mount[0] == "/"
        )
        if named and host.mounts.dead(mount):
            raise HangError(90.0)
    return ok()


def _start(host: LinuxHost, name: str, now: bool) -> CommandOutcome:
    unit = host.units[name]
    if not unit.installed:
        return fail(5, f"Failed to start {name}.service: Unit {name}.service not found.")
    if unit.masked:
        return fail(1, f"Failed to start {name}.service: Unit {name}.service is masked.")
    if not unit.active:
        host.units.start(name)
    return ok()


def _restart(host: LinuxHost, name: str, now: bool) -> CommandOutcome:
    if host.units[name].active:
        host.units.stop(name)
    return _start(host, name, now)


def _stop(host: LinuxHost, name: str, now: bool) -> CommandOutcome:
    if not host.units[name].installed:
        return fail(5, f"Failed to stop {name}.service: Unit {name}.service not loaded.")
    host.units.stop(name)
    return ok()


def _by_files(host: LinuxHost, name: str, verb: str, now: bool) -> CommandOutcome:
    """enable and disable change files. What systemd remembers of them is of its last daemon-reload, which
    both verbs ask for unless --no-reload is given (systemctl(1)).
    """
    unit = host.units[name]
    if not unit.installed:
        return fail(1, f"Failed to {verb} unit: Unit file {name}.service does not exist.")
    if verb == "enable" and unit.masked:
        return fail(1, f"Failed to enable unit: Unit file /etc/systemd/system/{name}.service is masked.")
    unit.remembered = unit.remembered or unit.enabled
    if not unit.masked:
        unit.enabled = _BY_FILES[verb]
    if not now:
        return ok()
    return (_start if verb == "enable" else _stop)(host, name, now)


def _reload(host: LinuxHost, name: str, now: bool) -> CommandOutcome:
    if name == "nfs-server":
        host.nfsd.read_files()
    elif name == "autofs":
        start_autofs(host)
    return ok()


def _is_enabled(host: LinuxHost, name: str, now: bool) -> CommandOutcome:
    state = host.units[name].enabled
    return CommandOutcome(0 if state == "enabled" else 1, state + "\n", "")


def _is_active(host: LinuxHost, name: str, now: bool) -> CommandOutcome:
    return ok("active\n") if host.units[name].active else CommandOutcome(3, "inactive\n", "")


def _reset_failed(host: LinuxHost, name: str, now: bool) -> CommandOutcome:
    return ok()


_BY_FILES = {"enable": "enabled", "disable": "disabled"}
_VERBS = {
    "start": _start,
    "stop": _stop,
    "restart": _restart,
    "reload": _reload,
    "is-enabled": _is_enabled,
    "is-active": _is_active,
    "reset-failed": _reset_failed,
}
