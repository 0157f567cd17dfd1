"""LVM's commands on a host: which physical volumes they see, and what they report and refuse (lvm(8))."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from hooks.host.host import CommandOutcome
from tests.model.host.devices import Block
from tests.model.host.storage import LogicalVolume, PhysicalVolume, VolumeGroup
from tests.model.host.tools import Unmodelled, fail, none_left, ok, option, taken, tool

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost

DEVICES_FILE = "/etc/lvm/devices/system.devices"
_FAILED = 5


def listed(host: LinuxHost, block: Block) -> bool:
    """Whether LVM may look at the device: where the devices file is in use, only at those in it."""
    text = host.read(DEVICES_FILE) if host.use_devices_file else None
    return (text is None or f"IDNAME={block.wwid} " in text) and not _filtered(host, block)


def _filtered(host: LinuxHost, block: Block) -> bool:
    """Whether lvm.conf's filter, as far as sites have one, rejects the device by its kernel name."""
    for found in re.findall(r'"([ar])\|([^|]*)\|"', host.lvm_conf.get("devices/filter", "")):
        if re.search(found[1], block.node):
            return bool(found[0] == "r")
    return False


def physical(host: LinuxHost) -> dict[PhysicalVolume, Block]:
    return {item: block for block, item in host.devices.physical() if listed(host, block)}


def groups(host: LinuxHost) -> list[VolumeGroup]:
    """Those of which at least one physical volume is seen, once each."""
    return list(dict.fromkeys(item.group for item in physical(host) if item.group))


def missing(host: LinuxHost, group: VolumeGroup) -> list[PhysicalVolume]:
    seen = physical(host)
    return [item for item in group.physical if item not in seen]


def foreign(host: LinuxHost, group: VolumeGroup) -> bool:
    """Owned by another system ID than the host's (lvmsystemid(7))."""
    return bool(group.system_id) and group.system_id != host.system_id


def activate(host: LinuxHost, group: VolumeGroup) -> None:
    """Every logical volume of it that lies on physical volumes that are there."""
    if f'"{group.name}"' not in host.lvm_conf.get("activation/volume_list", f'"{group.name}"'):
        return
    seen = physical(host)
    active = {block.logical for block in host.devices.active(group)}
    for logical in group.logical:
        if logical not in active and all(item in seen for item in logical.uses):
            host.devices.activate(group, logical, [seen[item] for item in logical.uses])


def activate_complete(host: LinuxHost) -> None:
    """What LVM's event rules do when a disk comes (lvmautoactivation(7))."""
    for group in groups(host):
        if not missing(host, group) and not foreign(host, group):
            activate(host, group)


def _physical_row(host: LinuxHost, item: PhysicalVolume, block: Block | None) -> dict[str, str]:
    group = item.group
    return {
        "pv_name": block.node if block else "[unknown]",
        "pv_uuid": item.uuid,
        "pv_missing": "" if block else "missing",
        **_group_row(host, group),
    }


def _group_row(host: LinuxHost, group: VolumeGroup | None) -> dict[str, str]:
    return {
        "vg_name": group.name if group else "",
        "vg_uuid": group.uuid if group else "",
        "vg_systemid": group.system_id if group else "",
        "vg_missing_pv_count": str(len(missing(host, group))) if group else "0",
        "pv_count": str(len(group.physical)) if group else "0",
        "lv_count": str(len(group.logical)) if group else "0",
        "vg_exported": "",
        "vg_lock_type": "",
        "vg_shared": "",
        "vg_partial": "partial" if group and missing(host, group) else "",
        "vg_clustered": "",
    }


def _logical_row(host: LinuxHost, group: VolumeGroup, logical: LogicalVolume) -> dict[str, str]:
    blocks = [block for block in host.devices.active(group) if block.logical is logical]
    seen = physical(host)
    devices = [seen[item].node if item in seen else "[unknown]" for item in logical.uses]
    return {
        "lv_name": logical.name,
        "lv_active": "active" if blocks else "",
        "lv_layout": logical.layout,
        "lv_role": "public",
        "lv_path": f"/dev/{group.name}/{logical.name}",
        "segtype": logical.layout.rsplit(",", 1)[-1],
        "lv_skip_activation": "",
        "devices": ",".join(f"{device}(0)" for device in devices),
        **_group_row(host, group),
    }


def _report(kind: str, rows: list[dict[str, str]], columns: str) -> CommandOutcome:
    names = columns.split(",")
    unknown = [name for name in names for row in rows[:1] if name not in row]
    if unknown:
        raise Unmodelled(f"{kind}s: column {unknown[0]}")
    return ok(
        json.dumps({"report": [{kind: [{name: row[name] for name in names} for row in rows]}]}, indent=4)
    )


def _reporter(kind: str, rows: Callable[[LinuxHost, bool], list[dict[str, str]]]) -> None:
    def run(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
        alien = bool(taken(arguments, "--foreign"))
        taken(arguments, "--readonly", "-a", "--all", "--nolocking")
        columns, layout = option(arguments, "-o", "--options"), option(arguments, "--reportformat")
        assert columns, "no columns"
        assert layout == "json", layout
        names = [arguments.pop(0)] if arguments and not arguments[0].startswith("-") else []
        without_file = option(arguments, "--devicesfile") == ""
        none_left(kind + "s", arguments)
        listing, host.use_devices_file = host.use_devices_file, host.use_devices_file and not without_file
        found = [row for row in rows(host, alien) if not names or row["vg_name"] in names]
        host.use_devices_file = listing
        return _report(kind, found, columns)

    tool(kind + "s")(run)


def _physical_rows(host: LinuxHost, alien: bool) -> list[dict[str, str]]:
    seen = physical(host)
    rows = [_physical_row(host, item, block) for item, block in seen.items() if not item.group]
    for group in _shown(host, alien):
        rows += [_physical_row(host, item, seen.get(item)) for item in group.physical]
    return rows


def _shown(host: LinuxHost, alien: bool) -> list[VolumeGroup]:
    return [group for group in groups(host) if alien or not foreign(host, group)]


def _group_rows(host: LinuxHost, alien: bool) -> list[dict[str, str]]:
    return [_group_row(host, group) for group in _shown(host, alien)]


def _logical_rows(host: LinuxHost, alien: bool) -> list[dict[str, str]]:
    found = _shown(host, alien)
    return [_logical_row(host, group, logical) for group in found for logical in group.logical]


_reporter("pv", _physical_rows)
_reporter("vg", _group_rows)
_reporter("lv", _logical_rows)


@tool("vgchange")
def vgchange(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    mode = option(arguments, "--activationmode")
    assert mode in (None, "complete"), mode
    system_id = option(arguments, "--systemid")
    override = option(arguments, "--config")
    taken(arguments, "--yes", "-y", "--majoritypv")
    flags = taken(arguments, "-ay", "-an")
    name = arguments.pop()
    none_left("vgchange", arguments)
    found = [group for group in groups(host) if name in (group.name, group.uuid)]
    refused = _refusal(host, name, found, override or "")
    if refused:
        return refused
    if system_id is not None:
        found[0].system_id = system_id
        return ok(f'  Volume group "{name}" successfully changed\n')
    return _up(host, found[0]) if flags == {"-ay"} else _down(host, found[0])


def _refusal(host: LinuxHost, name: str, found: list[VolumeGroup], override: str) -> CommandOutcome | None:
    if not found:
        return fail(_FAILED, f'  Volume group "{name}" not found\n  Cannot process volume group {name}')
    if len(found) > 1:
        return fail(
            _FAILED, f"  Multiple VGs found with the same name: skipping {name}\n  Use --select vg_uuid="
        )
    owner = found[0].system_id
    if foreign(host, found[0]) and owner not in override:
        text = f"  Cannot access VG {name} with system ID {owner} with local system ID {host.system_id}."
        return fail(_FAILED, text if host.system_id else f"  Cannot access VG {name} with system ID {owner}.")
    return None


def _up(host: LinuxHost, group: VolumeGroup) -> CommandOutcome:
    activate(host, group)
    seen = physical(host)
    partial = [item.name for item in group.logical if not set(item.uses) <= set(seen)]
    if partial:
        text = f"  Refusing activation of partial LV {group.name}/{partial[0]}."
        return fail(_FAILED, text + "  Use '--activationmode partial' to override.")
    return ok(f'  {len(group.logical)} logical volume(s) in volume group "{group.name}" now active\n')


def _down(host: LinuxHost, group: VolumeGroup) -> CommandOutcome:
    for block in host.devices.active(group):
        if host.mounts.of_block(block):
            assert block.logical
            text = f"  Logical volume {group.name}/{block.logical.name} contains a filesystem in use."
            return fail(_FAILED, text)
        host.devices.deactivate(block)
    return ok(f'  0 logical volume(s) in volume group "{group.name}" now active\n')


@tool("lvmconfig")
def lvmconfig(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    """A setting that lvm.conf has; with --typeconfig full, also one that it leaves to its default."""
    full = option(arguments, "--typeconfig", "--type") == "full"
    name = arguments.pop()
    none_left("lvmconfig", arguments)
    known = dict(host.lvm_conf)
    if full or host.use_devices_file:
        known["devices/use_devicesfile"] = str(int(host.use_devices_file))
    if name not in known:
        return fail(_FAILED, f"  Configuration node {name} not found")
    return ok(f"{name.partition('/')[2]}={known[name]}\n")


@tool("lvm")
def lvm(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    command = arguments.pop(0)
    if command == "systemid":
        none_left("lvm", arguments)
        return ok(f"  system ID: {host.system_id}\n")
    assert command == "lvmdevices", command
    if arguments == ["--help"]:
        return ok("  lvmdevices - Manage the devices file\n")
    taken(arguments, "--yes", "-y")
    block = host.devices.find(option(arguments, "--adddev") or "")
    none_left("lvmdevices", arguments)
    if block is None:
        return fail(_FAILED, "  No device found")
    text = host.read(DEVICES_FILE) or ""
    if f"IDNAME={block.wwid} " not in text:
        line = f"IDTYPE=sys_wwid IDNAME={block.wwid} DEVNAME={block.node} PVID=none\n"
        host.write(DEVICES_FILE, text + line)
    return ok()
