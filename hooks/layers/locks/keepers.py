"""Which daemon keeps its record of clients on the data: what a host is, and nothing of what it should be.

Functions with a `host` read it (systemctl(1), show; /proc); none changes it. `folder` is pure.
"""

from typing import Dict, NamedTuple, Sequence

from hooks.contract.spec import ServerSpec
from hooks.host.host import Host
from hooks.layers.locks import record, statd
from hooks.layers.locks.record import home

TRACKER = "nfsdcld"
_NFSD = "nfs-server"
_UNITS = (TRACKER, statd.NOTIFY, *statd.NEEDED, _NFSD)
_PROPERTIES = "LoadState,ActiveState,MainPID,NeedDaemonReload,UnitFileState"
_DATABASE = "/main.sqlite"


class Keepers(NamedTuple):
    """Who keeps which record here. `tracker`, `statd`: whether that daemon has its record on the data.
    `lost`: why clients of NFSv3 lose their locks; empty where they keep them. `notice`: systemd's state of
    the unit that tells them. `place`: the folder of the host's own rpc.statd. `unread`: systemd has not read
    a unit's files since they were written. `starts`: nfsd runs, or would at a boot."""

    tracker: bool
    statd: bool
    lost: str
    notice: str
    place: str
    unread: bool
    starts: bool


def folder(spec: ServerSpec) -> str:
    """nfsdcld's."""
    return record.path(home(spec).mount, TRACKER)


def unit_states(host: Host) -> Dict[str, Dict[str, str]]:
    """The properties of each unit that takes part."""
    return properties_of(host, _PROPERTIES, _UNITS)


def properties_of(host: Host, properties: str, units: Sequence[str]) -> Dict[str, Dict[str, str]]:
    """By unit, its properties by name, all in one question (systemctl(1), show)."""
    out = host.query("systemctl", "show", "-p", properties, *units).out
    blocks = out.strip().split("\n\n")  # one for each name that was given, in that order
    rows = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
    return {name: rows[place] for place, name in enumerate(units) if place < len(rows)}


def keepers(host: Host, spec: ServerSpec) -> Keepers:
    """One question to systemd, then what the daemons have open."""
    states = unit_states(host)
    nfsd = states.get(_NFSD, {})
    missing = [name for name in statd.NEEDED if states.get(name, {}).get("LoadState") != "loaded"]
    lost = "; ".join(name + " is masked, or not there" for name in missing)
    place = statd.own_place(host)
    lost = lost if lost or place else "/var/lib/nfs: no sm of rpc.statd in it"
    lost = lost if spec.service_address else "no service address: they mount a server's own name"
    return Keepers(
        record.is_open(host, states.get(TRACKER, {}).get("MainPID", "0"), folder(spec) + _DATABASE),
        statd.is_in(host, states.get(statd.STATD, {}).get("MainPID", "0"), statd.folder(home(spec).mount)),
        "NFSv3's clients lose their locks ({})".format(lost) if lost else "",
        states.get(statd.NOTIFY, {}).get("ActiveState", "inactive"),
        place,
        any(row.get("NeedDaemonReload") == "yes" for row in states.values()),
        nfsd.get("ActiveState") in ("active", "activating") or nfsd.get("UnitFileState") == "enabled",
    )
