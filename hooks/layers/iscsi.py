"""The iSCSI layer: sessions to the spec's targets, found by IQN, at the portals of the present attachment.

Functions with a `host` read it. Only functions named `_iscsiadm_...` and `_start` change it (iscsiadm(8),
iscsid); `apply` and `release` call them. `sessions_in` and `records_in` parse its output, and are pure.
"""

import os
import re
from contextlib import suppress
from glob import glob
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from hooks.contract.result import ABSENT, BROKEN, PRESENT, LayerFinding
from hooks.contract.spec import ServerSpec, SpecVolume
from hooks.host.host import CommandFailed, HookRefused, Host, OutOfTime
from hooks.host.mounts import mounts
from hooks.host.processes import is_running
from hooks.host.threads import for_each
from hooks.layers.devices import whole

NAME = "iscsi"
DEVICE_SECONDS = 60.0
LOGIN_SECONDS = 150.0  # iscsiadm itself tries for two minutes (node.session.initial_login_retry_max x 15 s)
LOGOUT_SECONDS = 30.0
REACH_SECONDS = 15.0
RESUME_SECONDS = 15.0
RESUME_PAUSE_SECONDS = 3.0
_NODES = ("iscsiadm", "-m", "node")
_ATTACHED = "; see that {} is attached to this host, and that the spec has this attachment's portal"
NONE_FOUND = {21: "no records or sessions"}  # ISCSI_ERR_NO_OBJS_FOUND, iscsiadm(8)
LOGGED_IN = {15: "session exists"}  # ISCSI_ERR_SESS_EXISTS
NO_RECORD = {2: "no such session", 21: "no records or sessions"}
SETTINGS = (  # as the commands of the OCI console and Oracle's advice for block volumes have it
    ("node.startup", "automatic"),
    ("node.session.timeo.replacement_timeout", "6000"),
    ("node.conn[0].timeo.noop_out_interval", "0"),
    ("node.conn[0].timeo.noop_out_timeout", "0"),
)
_SESSION = re.compile(r"^\w+: \[(\d+)\] (\S+:\d+),-?\d+ (\S+)")
_SETTING = re.compile(r"^(\S+) = (.*)$")
_AT_ONCE = 32
_MANY = 8  # from here on one login for all saves more than an answer for each volume is worth


class Session(NamedTuple):
    sid: str
    portal: str
    iqn: str
    state: str


class Initiator(NamedTuple):
    """Sessions, and node records by (IQN, portal)."""

    sessions: Tuple[Session, ...]
    records: Dict[Tuple[str, str], Dict[str, str]]


def sessions_in(text: str) -> List[Session]:
    """`iscsiadm -m session`; the state is not in it."""
    matches = [_SESSION.match(line) for line in text.splitlines()]
    return [Session(item.group(1), item.group(2), item.group(3), "") for item in matches if item]


def records_in(text: str) -> Dict[Tuple[str, str], Dict[str, str]]:
    """`iscsiadm -m node -o show`: each record's settings."""
    records = {}
    for block in text.split("# BEGIN RECORD")[1:]:
        lines = [_SETTING.match(line) for line in block.splitlines()]
        settings = {item.group(1): item.group(2) for item in lines if item}
        address, port = settings.get("node.conn[0].address", ""), settings.get("node.conn[0].port", "")
        host = "[" + address + "]" if ":" in address else address
        records[settings.get("node.name", ""), host + ":" + port] = settings
    return records


def observe(host: Host) -> Initiator:
    sessions = sessions_in(host.query("iscsiadm", "-m", "session", tolerate=NONE_FOUND).out)
    records = records_in(host.query("iscsiadm", "-m", "node", "-o", "show", tolerate=NONE_FOUND).out)
    return Initiator(tuple(item._replace(state=_state(host, item)) for item in sessions), records)


def _state(host: Host, session: Session) -> str:
    """The kernel's view; with a dead connection it is FAILED (drivers/scsi/scsi_transport_iscsi.c)."""
    return (host.read("/sys/class/iscsi_session/session{}/state".format(session.sid)) or "UNKNOWN").strip()


def check(host: Host, spec: ServerSpec) -> LayerFinding:
    """Present when every volume has a live session at its portal, a complete record and its device."""
    return _finding(host, spec, observe(host))


def _finding(host: Host, spec: ServerSpec, now: Initiator) -> LayerFinding:
    faults = [(volume.name, _fault(host, volume, now)) for volume in spec.volumes]
    facts = {
        volume.name: {"device": host.real(volume.link), "portal": volume.portal} for volume in spec.volumes
    }
    bad = ["{}: {}".format(name, fault) for name, fault in faults if fault]
    mine = {volume.iqn for volume in spec.volumes}
    if not mine & ({item.iqn for item in now.sessions} | {iqn for iqn, _ in now.records}):
        return LayerFinding(
            ABSENT if mine else PRESENT, "no session or record of {} volumes".format(len(mine)), dict(facts)
        )
    if not is_running(host, "iscsid"):
        bad.append("iscsid does not run: a session that breaks would stay broken")
    if bad:
        return LayerFinding(BROKEN, "; ".join(bad), dict(facts))
    return LayerFinding(PRESENT, "{} sessions logged in".format(len(mine)), dict(facts))


def _fault(host: Host, volume: SpecVolume, now: Initiator) -> str:
    """What keeps this volume from being present; empty when it is present."""
    stale = [item.portal for item in now.sessions if item.iqn == volume.iqn and item.portal != volume.portal]
    stale += [portal for iqn, portal in now.records if iqn == volume.iqn and portal != volume.portal]
    live = [item for item in now.sessions if (item.iqn, item.portal) == (volume.iqn, volume.portal)]
    if stale:
        return "found a session or record at {}, expected only {}".format(stale[0], volume.portal)
    if not live:
        return "no session at " + volume.portal
    if live[0].state != "LOGGED_IN":
        return "session {} is {}, expected LOGGED_IN".format(live[0].sid, live[0].state)
    record = now.records.get((volume.iqn, volume.portal), {})
    for name, value in SETTINGS:
        if record.get(name) != value:
            return "record has {} = {}, expected {}".format(name, record.get(name, "(nothing)"), value)
    return "" if host.real(volume.link) else "device {} is missing".format(volume.link)


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Logs in to every volume, in parallel; gives what it did. Raises HookError.

    The records come first, one after the other: iscsiadm walks through all of them at every call, and ends
    with "database failure" when another one makes or deletes some meanwhile.
    """
    started = _start(host)
    now = observe(host)
    done = started + [text for volume in spec.volumes for text in _record(host, volume, now)]
    done += _set(host, spec, now) + _log_in_all(host, spec, now)
    # not `udevadm settle`: that waits for every event of 32 disks, and only their links are needed
    for volume in spec.volumes:
        _await_device(host, volume)
    _resume(host, spec, now, bool(started))
    return done


def _resume(host: Host, spec: ServerSpec, now: Initiator, started: bool) -> None:
    """iscsid, just started, takes every session up anew, and each looks dead meanwhile; the check decides."""
    iqns = {volume.iqn for volume in spec.volumes}
    mine = [item for item in now.sessions if item.iqn in iqns]
    if started and mine:
        host.sleep(RESUME_PAUSE_SECONDS)
    with suppress(OutOfTime):
        sound = lambda: not any(_state(host, item) in ("FAILED", "FREE") for item in mine)  # noqa: E731
        host.wait("sessions", sound, RESUME_SECONDS)


def _start(host: Host) -> List[str]:
    """iscsiadm needs the daemon for every login and logout, and the kernel needs it to mend a session."""
    if is_running(host, "iscsid"):
        return []
    host.run("systemctl", "start", "iscsid", remedy="; if it is masked: systemctl unmask iscsid")
    return ["iscsid started"]


def _await_device(host: Host, volume: SpecVolume) -> None:
    what = "{}'s device {}".format(volume.name, volume.link)
    host.wait(what, lambda: host.real(volume.link) is not None, DEVICE_SECONDS)


def _each(work: Callable[[SpecVolume], List[str]], volumes: Sequence[SpecVolume]) -> List[str]:
    return [text for done in for_each(work, volumes, _AT_ONCE) for text in done]


def _node(volume: SpecVolume) -> Tuple[str, ...]:
    """iscsiadm's words for one record; `_NODES` alone is for all records of this host."""
    return _NODES + ("-T", volume.iqn, "-p", volume.portal)


def _iscsiadm_create_record(host: Host, node: Tuple[str, ...]) -> None:
    host.run(*(node + ("-o", "new")))


def _iscsiadm_update_record(host: Host, node: Tuple[str, ...]) -> None:
    words = tuple(word for name, value in SETTINGS for word in ("-n", name, "-v", value))
    host.run(*(node + ("-o", "update") + words))


def _iscsiadm_delete_record(host: Host, node: Tuple[str, ...]) -> None:
    host.run(*(node + ("-o", "delete")), tolerate=NONE_FOUND)


def _iscsiadm_login(host: Host, node: Tuple[str, ...], tolerate: Dict[int, str], remedy: str) -> None:
    host.run(*(node + ("-l",)), tolerate=tolerate, seconds=LOGIN_SECONDS, remedy=remedy)


def _iscsiadm_logout(host: Host, session: Session) -> None:
    host.run("iscsiadm", "-m", "session", "-r", session.sid, "-u", tolerate=NO_RECORD, seconds=LOGOUT_SECONDS)


def _record(host: Host, volume: SpecVolume, now: Initiator) -> List[str]:
    done = _clear_stale(host, volume, now)
    if (volume.iqn, volume.portal) not in now.records:
        _iscsiadm_create_record(host, _node(volume))
        done.append("record of {} made".format(volume.name))
    return done


def _set(host: Host, spec: ServerSpec, now: Initiator) -> List[str]:
    records = {volume: now.records.get((volume.iqn, volume.portal), {}) for volume in spec.volumes}
    volumes = [item for item in spec.volumes if any(records[item].get(k) != v for k, v in SETTINGS)]
    if len(volumes) > 1 and _alone(spec, now):
        _iscsiadm_update_record(host, _NODES)
    else:
        for volume in volumes:
            _iscsiadm_update_record(host, _node(volume))
    return ["record of {} set".format(volume.name) for volume in volumes]


def _alone(spec: ServerSpec, now: Initiator) -> bool:
    """Whether every record of this host is of the spec's volumes: a call for all concerns no other."""
    return {iqn for iqn, _ in now.records} <= {volume.iqn for volume in spec.volumes}


def _log_in_all(host: Host, spec: ServerSpec, now: Initiator) -> List[str]:
    mine = {volume.iqn for volume in spec.volumes} & {session.iqn for session in now.sessions}
    if len(spec.volumes) >= _MANY and not mine and _alone(spec, now):
        _each(lambda volume: _reach(host, volume), spec.volumes)
        with suppress(CommandFailed):  # each by itself then tells which, and why
            _iscsiadm_login(host, _NODES, {}, "")
            return ["{} volumes logged in".format(len(spec.volumes))]
    return _each(lambda volume: _log_in(host, volume, now), spec.volumes)


def _reach(host: Host, volume: SpecVolume) -> List[str]:
    host.reach(volume.name, volume.address, volume.port, REACH_SECONDS, _ATTACHED.format(volume.name))
    return []


def _log_in(host: Host, volume: SpecVolume, now: Initiator) -> List[str]:
    live = [item for item in now.sessions if (item.iqn, item.portal) == (volume.iqn, volume.portal)]
    if live and live[0].state != "LOGGED_IN":
        with suppress(OutOfTime):  # iscsid mends what it can, and all that it finds when it has just started
            host.wait(volume.name, lambda: _state(host, live[0]) == "LOGGED_IN", RESUME_SECONDS)
            return [volume.name + " is logged in again"]
        _log_out(host, live[0], volume)
        live = []
    if live:
        return []
    _reach(host, volume)
    _iscsiadm_login(host, _node(volume), LOGGED_IN, _ATTACHED.format(volume.name))
    return ["{} logged in at {}".format(volume.name, volume.portal)]


def _clear_stale(host: Host, volume: SpecVolume, now: Initiator) -> List[str]:
    """Leftovers of the volume at another portal: the address belongs to the attachment, not to the volume."""
    done = []
    for session in now.sessions:
        if session.iqn == volume.iqn and session.portal != volume.portal:
            if session.state == "LOGGED_IN":
                raise HookRefused(
                    "{}: found a live session at {}, expected one at {}; if the spec is of the present "
                    "attachment, run release or reboot this host".format(
                        volume.name, session.portal, volume.portal
                    )
                )
            _log_out(host, session, volume)
            done.append("dead session of {} at {} ended".format(volume.name, session.portal))
    for iqn, portal in sorted(now.records):
        if iqn == volume.iqn and portal != volume.portal:
            _iscsiadm_delete_record(host, _NODES + ("-T", iqn, "-p", portal))
            done.append("stale record of {} at {} deleted".format(volume.name, portal))
    return done


def _log_out(host: Host, session: Session, volume: SpecVolume) -> None:
    used = _users(host, session, volume)
    if used:
        raise HookRefused(
            "{}: its device is still used by {}; unmount and deactivate what lies on it (release), "
            "or reboot this host".format(volume.name, ", ".join(used))
        )
    _iscsiadm_logout(host, session)


def _users(host: Host, session: Session, volume: SpecVolume) -> List[str]:
    """What the kernel has stacked on this session's disk, or on a partition of it (sysfs holders), and its
    mounts."""
    link = "/dev/disk/by-path/ip-{}-iscsi-{}-lun-1".format(session.portal, session.iqn)
    device = host.real(link)
    if device is None:
        return []
    folder = host.path("/sys/block/" + os.path.basename(device))
    paths = glob(folder + "/holders/*") + glob(folder + "/*/holders/*")
    mounted = [item.mount for item in mounts(host) if whole(host, host.real(item.source) or "") == device]
    return sorted([os.path.basename(name) for name in paths] + mounted)


def release(host: Host, spec: ServerSpec) -> List[str]:
    """Ends every session of the spec's volumes, at whatever portal, and deletes their records."""
    now = observe(host)
    mine = {volume.iqn for volume in spec.volumes} & {session.iqn for session in now.sessions}
    done = _start(host) if mine else []
    if done:
        _resume(host, spec, now, True)
    done = done + _each(lambda volume: _leave(host, volume, now), spec.volumes)
    for volume in spec.volumes:
        if any(iqn == volume.iqn for iqn, _ in now.records):
            _iscsiadm_delete_record(host, _NODES + ("-T", volume.iqn))
            done.append("records of {} deleted".format(volume.name))
    return done


def _leave(host: Host, volume: SpecVolume, now: Initiator) -> List[str]:
    mine = [session for session in now.sessions if session.iqn == volume.iqn]
    for session in mine:
        _log_out(host, session, volume)
    return ["{} logged out".format(volume.name)] if mine else []
