"""The LVM layer: the spec's volume groups, active only when complete and only on the spec's own volumes.

Functions with a `host` read it. Only `apply`, `release`, `_adopted` and `_show_to_lvm` change it.
"""

import json
from contextlib import suppress
from functools import partial
from typing import Dict, List, NamedTuple, Set, Tuple

from hooks.contract.result import ABSENT, BROKEN, PRESENT, LayerFinding
from hooks.contract.spec import ServerSpec, SpecVolume, VolumeGroup
from hooks.host.host import CommandFailed, HookRefused, Host, OutOfTime, refuse
from hooks.layers.devices import partitions, whole

NAME = "lvm"
DEVICE_SECONDS = 10.0
DEVICES_FILE = "/etc/lvm/devices/system.devices"
_PVS = "pv_name,pv_missing,vg_name,vg_uuid,vg_systemid,vg_missing_pv_count,vg_exported,vg_lock_type"
_REMEDIES = (  # what a group may be that nobody but its owner should change, and how the owner does
    ("vg_exported", "exported", "vgimport {}"),
    ("vg_lock_type", "locked through a lock manager ({})", "vgchange --lock-type none {}"),
)
_LIST_IT = "; list it in {}, or remove that file, by hand".format(DEVICES_FILE)
Row = Dict[str, str]


class LvmReport(NamedTuple):
    """Rows of `pvs` and `lvs`, and the host's own system ID if a group has one (lvmsystemid(7))."""

    physical: Tuple[Row, ...]
    logical: Tuple[Row, ...]
    system_id: str


def rows_in(text: str, kind: str) -> List[Row]:
    """The rows of an LVM report in JSON (lvmreport(7)); raises ValueError or KeyError."""
    return [row for report in json.loads(text)["report"] for row in report.get(kind, [])]


def observe(host: Host) -> LvmReport:
    physical = report(host, "pv", "pvs", "--foreign", "-o", _PVS)
    logical = report(host, "lv", "lvs", "-o", "vg_name,lv_name,lv_active")
    foreign = any(row["vg_systemid"] for row in physical)
    output = host.query("lvm", "systemid").out if foreign else ""
    return LvmReport(tuple(physical), tuple(logical), output.partition(":")[2].strip())


def report(host: Host, kind: str, *argv: str) -> List[Row]:
    """The rows of an LVM report as JSON (lvmreport(7)). Raises CommandFailed when it is none."""
    out = host.query(*(argv + ("--reportformat", "json"))).out
    try:
        return rows_in(out, kind)
    except (ValueError, KeyError):
        raise CommandFailed("`{}` gave no LVM report, but: {}".format(argv[0], out[:200])) from None


def check(host: Host, spec: ServerSpec) -> LayerFinding:
    """Present when every group is complete, on its volumes, and has the spec's logical volumes active."""
    now = observe(host)
    findings = {group.name: _finding(host, spec, group, now) for group in spec.volume_groups}
    message = "; ".join(finding.message for finding in findings.values())
    states = {finding.state for finding in findings.values()}
    state = states.pop() if len(states) == 1 else BROKEN
    return LayerFinding(state, message, {name: finding.facts for name, finding in findings.items()})


def _finding(host: Host, spec: ServerSpec, group: VolumeGroup, now: LvmReport) -> LayerFinding:
    rows = [row for row in now.physical if row["vg_name"] == group.name]
    active = {
        row["lv_name"] for row in now.logical if row["vg_name"] == group.name and row["lv_active"] == "active"
    }
    links = [item.device for item in spec.filesystems if item.volume_group == group.name]
    facts = {"devices": sorted(row["pv_name"] for row in rows), "active": sorted(active)}
    fault = _fault(host, spec, group, now) if rows else ""
    if fault:  # what nobody has activated is released, and apply refuses it
        return LayerFinding(BROKEN if active else ABSENT, fault, dict(facts))
    if not rows and any(host.real(link) for link in links):
        text = "{}: its volumes are gone but {} is still there; reboot this host before it serves again"
        return LayerFinding(BROKEN, text.format(group.name, links[0]), dict(facts))
    missing = [link for link in links if link.rsplit("/", 1)[1] not in active]
    if not active:
        return LayerFinding(
            ABSENT, "{} is {}".format(group.name, "not active" if rows else "not found"), dict(facts)
        )
    if missing:
        return LayerFinding(
            BROKEN, "{} is active without {}".format(group.name, ", ".join(missing)), dict(facts)
        )
    return LayerFinding(
        PRESENT, "{} is active: {}".format(group.name, ", ".join(sorted(active))), dict(facts)
    )


def _fault(host: Host, spec: ServerSpec, group: VolumeGroup, now: LvmReport) -> str:
    """Why this group must not be touched; empty when nothing speaks against it."""
    rows = [row for row in now.physical if row["vg_name"] == group.name]
    expected = _devices(host, spec, group)
    uuids = {row["vg_uuid"] for row in rows}
    if len(uuids) > 1:
        wrong = {
            row["vg_uuid"] for row in rows if whole(host, host.real(row["pv_name"]) or "") not in expected
        }
        text = "{}: found {} volume groups of this name; rename the one on other disks: vgrename {} NEW"
        return text.format(group.name, len(uuids), _listed(wrong))
    for field, meaning, remedy in _REMEDIES:
        value = rows[0].get(field, "")
        if value not in ("", "none"):
            text = "{}: it is {}, expected a plain group; as its owner: {}"
            return text.format(group.name, meaning.format(value), remedy.format(group.name))
    owner, shared = rows[0]["vg_systemid"], [item.name for item in _members(spec, group) if item.shareable]
    if owner and owner != now.system_id and shared:
        text = (
            "{}: it belongs to system ID {!r}, and {} is attached shareable; see lvmsystemid(7), Overriding"
        )
        return text.format(group.name, owner, ", ".join(shared))
    if rows[0]["vg_missing_pv_count"] != "0":
        return (
            "{}: {} of its {} physical volumes are missing; attach and log in to every volume of it, and see "
            "that LVM's filter and devices file hide none".format(
                group.name, rows[0]["vg_missing_pv_count"], len(rows)
            )
        )
    actual = {whole(host, host.real(row["pv_name"]) or row["pv_name"]) for row in rows}
    if actual != expected:
        return "{}: found it on {}, expected {} (volumes {}); correct the spec".format(
            group.name, _listed(actual), _listed(expected), ", ".join(group.volumes)
        )
    return ""


def _members(spec: ServerSpec, group: VolumeGroup) -> List[SpecVolume]:
    return [volume for volume in spec.volumes if volume.name in group.volumes]


def _devices(host: Host, spec: ServerSpec, group: VolumeGroup) -> Set[str]:
    return {host.real(volume.link) or volume.link for volume in _members(spec, group)}


def _listed(names: Set[str]) -> str:
    return ", ".join(sorted(names))


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Activates every group that is complete; touches none before all may be. Raises HookError."""
    done, now = _show_to_lvm(host, spec), observe(host)
    if refusals(host, spec, now):  # perhaps LVM has not been told yet of disks that have just come
        host.run("udevadm", "settle", "--timeout=10", tolerate={1: "others' events go on"})
        now = observe(host)
    refuse(refusals(host, spec, now))
    owners = {row["vg_name"]: row["vg_systemid"] for row in now.physical}
    done += [
        _adopted(host, group.name, owners[group.name], now.system_id)
        for group in spec.volume_groups
        if owners[group.name] not in ("", now.system_id)
    ]
    for group in spec.volume_groups:
        host.run("vgchange", "-ay", "--activationmode", "complete", group.name)
        done.append(group.name + " activated")
    names = {group.name for group in spec.volume_groups}
    with suppress(OutOfTime):  # a logical volume that is not there at all is the check's to tell
        for link in [item.device for item in spec.filesystems if item.volume_group in names]:
            host.wait(link, partial(_is_there, host, link), DEVICE_SECONDS)
    return done


def refusals(host: Host, spec: ServerSpec, now: LvmReport) -> List[str]:
    """Why these groups must not be activated on a host that has their volumes."""
    faults = []
    for group in spec.volume_groups:
        if any(row["vg_name"] == group.name for row in now.physical):
            faults.append(_fault(host, spec, group, now))
        else:
            text = "{}: no volume group of this name found, expected it on {}; correct the spec"
            faults.append(text.format(group.name, _listed(_devices(host, spec, group))))
    return [text for text in faults if text]


def _adopted(host: Host, name: str, owner: str, own: str) -> str:
    """Who has its volumes to itself may take a group from its former owner (lvmsystemid(7), Overriding).

    As that owner: a host without a system ID of its own has no other way.
    """
    former = 'global/system_id_source="lvmlocal" local/system_id="{}"'.format(owner)
    host.run("vgchange", "--yes", "--config", former, "--systemid", own, name)
    return "{} taken over from system ID {!r}: it has {!r} now".format(name, owner, own)


def _is_there(host: Host, link: str) -> bool:
    return host.real(link) is not None


def _show_to_lvm(host: Host, spec: ServerSpec) -> List[str]:
    """Lists the volumes in LVM's devices file where one hides them (lvmdevices(8); the default of EL9)."""
    if host.read(DEVICES_FILE) is None or not uses_devices_file(host):
        return []
    done = []
    for volume in [item for group in spec.volume_groups for item in _members(spec, group)]:
        disk = host.real(volume.link)
        for device in (partitions(host, disk) or [disk]) if disk else []:
            host.run("lvm", "lvmdevices", "--yes", "--adddev", device, remedy=_LIST_IT)
            done.append("{} listed in {}".format(device, DEVICES_FILE))
    return done


def uses_devices_file(host: Host) -> bool:
    return "=1" in host.run("lvmconfig", "--typeconfig", "full", "devices/use_devicesfile").out


def release(host: Host, spec: ServerSpec) -> List[str]:
    """Deactivates every logical volume of the spec's groups; raises HookError when one is in use."""
    now = observe(host)
    busy = {row["vg_name"] for row in now.logical if row["lv_active"] == "active"}
    names = [group.name for group in spec.volume_groups if group.name in busy]
    for name in names:
        if len({row["vg_uuid"] for row in now.physical if row["vg_name"] == name}) > 1:
            raise HookRefused(
                "{}: several volume groups have this name; deactivate the right one by hand".format(name)
            )
    if names:
        # first: an event of a disk that has just come would activate its group again behind us
        host.run("udevadm", "settle", "--timeout=10", tolerate={1: "others' events go on"})
        for name in names:
            host.run("vgchange", "-an", name)
        host.run("udevadm", "settle")
    return [name + " deactivated" for name in names]
