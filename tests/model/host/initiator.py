"""open-iscsi: node records, sessions, and iscsiadm(8) with its exit codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hooks.host.host import CommandOutcome
from tests.model.host.storage import Volume
from tests.model.host.tools import fail, none_left, ok, option, options, taken, tool

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost

_NEW = {
    "node.startup": "manual",
    "node.session.timeo.replacement_timeout": "120",
    "node.conn[0].timeo.noop_out_interval": "5",
    "node.conn[0].timeo.noop_out_timeout": "5",
}
_EXISTS, _NONE, _NOT_FOUND = 15, 21, 19
Record = tuple[str, str]


@dataclass(eq=False)
class Session:
    sid: int
    portal: str
    volume: Volume
    disk: str


class Initiator:
    """Sessions by number, and the settings of records by (IQN, portal)."""

    def __init__(self, host: LinuxHost) -> None:
        self.host = host
        self.records: dict[Record, dict[str, str]] = {}
        self.sessions: dict[int, Session] = {}
        self._sid = 0

    def targets(self) -> dict[Record, Volume]:
        found = self.host.site.storage.targets(self.host.name)
        return {(volume.iqn, portal): volume for volume, portal in found}

    def session(self, key: Record) -> Session | None:
        found = [item for item in self.sessions.values() if (item.volume.iqn, item.portal) == key]
        return found[0] if found else None

    def log_in(self, key: Record) -> bool:
        """Whether the target let it in; then its disk is there, and an event may activate its group."""
        volume = self.targets().get(key)
        if volume is None:
            return False
        self._sid += 1
        path = f"ip-{key[1]}-iscsi-{volume.iqn}-lun-1"
        block = self.host.devices.add_disk(volume.disk, volume, path)
        self.sessions[self._sid] = Session(self._sid, key[1], volume, block.name)
        self.show()
        if self.host.event_activation:
            from tests.model.host.lvm import activate_complete  # noqa: PLC0415 - lvm knows hosts, hosts know us

            activate_complete(self.host)
        return True

    def log_out(self, session: Session) -> None:
        del self.sessions[session.sid]
        self.host.devices.remove_disk(session.disk)
        (self.host.site.folder / self.host.name / self._state(session)).unlink()

    def _state(self, session: Session) -> str:
        return f"sys/class/iscsi_session/session{session.sid}/state"

    def show(self) -> None:
        """Every session's state; one whose volume was detached is FAILED."""
        live = self.targets()
        for session in self.sessions.values():
            sound = (session.volume.iqn, session.portal) in live
            self.host.write("/" + self._state(session), "LOGGED_IN\n" if sound else "FAILED\n")


@tool("iscsiadm")
def iscsiadm(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    mode = option(arguments, "-m")
    if mode == "session":
        return _session(host, arguments)
    assert mode == "node", mode
    action = option(arguments, "-o")
    if action == "show":
        none_left("iscsiadm", arguments)
        return _show(host)
    iqn, portal = option(arguments, "-T"), option(arguments, "-p")
    if action == "new":
        none_left("iscsiadm", arguments)
        host.initiator.records[iqn or "", portal or ""] = dict(_NEW)
        return ok(f"New iSCSI node [tcp:[hw=,ip=,net_if=,iscsi_if=default] {portal},-1 {iqn}] added\n")
    return _on_records(host, arguments, action or "", iqn, portal)


def _on_records(
    host: LinuxHost, arguments: list[str], action: str, iqn: str | None, portal: str | None
) -> CommandOutcome:
    keys = [key for key in host.initiator.records if iqn in (None, key[0]) and portal in (None, key[1])]
    if not keys:
        return fail(_NONE, "iscsiadm: No records found")
    if action == "update":
        return _update(host, arguments, keys)
    if action == "delete":
        none_left("iscsiadm", arguments)
        return _delete(host, keys)
    assert taken(arguments, "-l"), arguments
    none_left("iscsiadm", arguments)
    return _login(host, keys)


def _session(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    sid = option(arguments, "-r")
    if sid is None:
        none_left("iscsiadm", arguments)
        lines = [
            f"tcp: [{item.sid}] {item.portal},1 {item.volume.iqn} (non-flash)\n"
            for item in host.initiator.sessions.values()
        ]
        return ok("".join(lines)) if lines else fail(_NONE, "iscsiadm: No active sessions.")
    assert taken(arguments, "-u")
    none_left("iscsiadm", arguments)
    if int(sid) not in host.initiator.sessions:
        return fail(_NONE, "iscsiadm: No session found.")
    if not host.units.runs("iscsid"):
        return fail(20, "iscsiadm: can not connect to iSCSI daemon (111)!")
    host.initiator.log_out(host.initiator.sessions[int(sid)])
    return ok("Logout successful\n")


def _show(host: LinuxHost) -> CommandOutcome:
    text = ""
    for (iqn, portal), settings in host.initiator.records.items():
        address, _, port = portal.rpartition(":")
        shown = {"node.name": iqn, "node.tpgt": "-1", **settings}
        shown |= {"node.conn[0].address": address.strip("[]"), "node.conn[0].port": port}
        lines = "".join(f"{name} = {value}\n" for name, value in shown.items())
        text += f"# BEGIN RECORD 2.1.8\n{lines}# END RECORD\n"
    return ok(text) if text else fail(_NONE, "iscsiadm: No records found")


def _update(host: LinuxHost, arguments: list[str], keys: list[Record]) -> CommandOutcome:
    names, values = options(arguments, "-n"), options(arguments, "-v")
    none_left("iscsiadm", arguments)
    for key in keys:
        host.initiator.records[key].update(zip(names, values, strict=True))
    return ok()


def _delete(host: LinuxHost, keys: list[Record]) -> CommandOutcome:
    for key in keys:
        if host.initiator.session(key):
            return fail(_EXISTS, "iscsiadm: Could not execute operation on all records: session exists")
        del host.initiator.records[key]
    return ok()


def _login(host: LinuxHost, keys: list[Record]) -> CommandOutcome:
    if not host.units.runs("iscsid"):
        return fail(20, "iscsiadm: can not connect to iSCSI daemon (111)!")
    codes = [_EXISTS if host.initiator.session(key) else 0 for key in keys]
    for index, key in enumerate(keys):
        if not codes[index] and not host.initiator.log_in(key):
            codes[index] = _NOT_FOUND
    worst = max(codes)
    return fail(worst, "iscsiadm: Could not log into all portals") if worst else ok("Login successful\n")
