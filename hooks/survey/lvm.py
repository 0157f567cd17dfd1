"""What LVM will make of the volumes on the next server, and whether this one's LVM would show them."""

import os
import re
from typing import Iterator, List, Pattern, Tuple

from hooks.contract.spec import ServerSpec
from hooks.host.host import Host
from hooks.host.mounts import mounts, swaps
from hooks.layers import lvm
from hooks.layers.devices import partitions, tags, whole
from hooks.survey.host import lacking
from hooks.survey.remark import Remark, holds, refusal, refusals, warning

_MEMBER = "LVM2_member"
_MULTIPATH = (
    "{}: multipathd has its volumes as {}, expected the plain disks; blacklist them in /etc/multipath.conf "
    '(device {{ vendor "ORACLE" product "BlockVolume" }}) on every server, then restart this one'
)
_PLAIN = ("linear", "striped")
_UNSET = {5: "not set"}  # lvmconfig(8) of a setting that nobody made
_LETTERS = "bcdefghijklmnopqrstuvwxyz"
_LVS = "vg_name,lv_name,segtype,lv_skip_activation"


def volumes(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """Each volume of a group is a physical volume itself, or by its partitions."""
    reason = lacking(host, spec) if holds(host, spec) else "not here"
    grouped = {name for group in spec.volume_groups for name in group.volumes}
    for volume in [item for item in spec.volumes if item.name in grouped] if not reason else ():
        disk = host.real(volume.link) or volume.link
        for device in partitions(host, disk) or [disk]:
            kind = tags(host, device).get("TYPE", "")
            if kind and kind != _MEMBER and len(partitions(host, disk)) < 2:
                text = (
                    "{}: found {} on {}, expected an LVM physical volume; move the data to a plain one, "
                    "or take the volume out of the stack"
                )
                yield refusal(text, volume.name, kind, device)


def groups(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """The very judgement of `apply` where the volumes are; elsewhere no group has its name."""
    now = lvm.observe(host)
    if not holds(host, spec):
        yield from _namesakes(spec, now)
        return
    reason = lacking(host, spec)
    if reason:
        yield warning("{}; log in to it, or look again when it is back", reason)
        return
    unlisted = _unlisted(host, spec, now)
    if unlisted:
        yield from unlisted
        return
    renamed = list(_multipath(host, spec, now)) or list(_renamed(host, spec, now))
    yield from renamed or refusals(lvm.refusals(host, spec, now))
    yield from _logical(host, spec, lvm.report(host, "lv", "lvs", "--foreign", "-o", _LVS))
    names = {group.name for group in spec.volume_groups}
    for name, owner in sorted({(row["vg_name"], row["vg_systemid"]) for row in now.physical}):
        if name in names and owner:
            text = "{}: it belongs to system ID {!r}, which the next server overrides; see lvmsystemid(7)"
            yield warning(text, name, owner)


def _unlisted(host: Host, spec: ServerSpec, now: lvm.LvmReport) -> List[Remark]:
    """Volumes that LVM's devices file keeps from this host's LVM (lvmdevices(8)): a takeover lists them."""
    if host.read(lvm.DEVICES_FILE) is None or not lvm.uses_devices_file(host):
        return []
    rows = lvm.report(host, "pv", "pvs", "--devicesfile", "", "--foreign", "-o", "pv_name,vg_name")
    listed = {row["pv_name"] for row in now.physical}
    names = {group.name for group in spec.volume_groups}
    unlisted = sorted({row["pv_name"] for row in rows if row["vg_name"] in names} - listed)
    if not unlisted:
        return []
    text = "{0}: {1} does not list it, expected all of {2}, as a takeover lists it; lvmdevices --adddev {0}"
    return [warning(text, name, lvm.DEVICES_FILE, ", ".join(sorted(names))) for name in unlisted]


def _multipath(host: Host, spec: ServerSpec, now: lvm.LvmReport) -> Iterator[Remark]:
    """Maps in the place of the volumes' disks (their uuid begins with mpath-; dmsetup(8)): the group's
    physical volumes are no session's disks any more."""
    for group in spec.volume_groups:
        devices = {host.real(row["pv_name"]) or "" for row in now.physical if row["vg_name"] == group.name}
        maps = sorted(name for name in devices if _is_multipath(host, name))
        if maps:
            yield refusal(_MULTIPATH, group.name, ", ".join(maps))


def _is_multipath(host: Host, device: str) -> bool:
    name = "/sys/class/block/{}/dm/uuid".format(os.path.basename(device))
    return (host.read(name) or "").startswith("mpath-")


def _renamed(host: Host, spec: ServerSpec, now: lvm.LvmReport) -> Iterator[Remark]:
    """A group on exactly the spec's volumes with another name: somebody has renamed it."""
    present = {row["vg_name"] for row in now.physical}
    for group in spec.volume_groups:
        disks = {host.real(item.link) for item in spec.volumes if item.name in group.volumes}
        others = {
            row["vg_name"] for row in now.physical if whole(host, host.real(row["pv_name"]) or "") in disks
        }
        others -= {""}
        if group.name not in present and len(others) == 1:
            (name,) = others
            text = (
                "{0}: its volumes carry the volume group {1}, so somebody has renamed it, expected {0}; name "
                "{1} in the stack's storage, or vgrename {1} {0} at rest"
            )
            yield refusal(text, group.name, name)


def _namesakes(spec: ServerSpec, now: lvm.LvmReport) -> Iterator[Remark]:
    for group in spec.volume_groups:
        rows = [row for row in now.physical if row["vg_name"] == group.name]
        if rows:
            text = (
                "{}: found a volume group of this name on {}, expected none before the volumes come; "
                "vgrename {} NEW"
            )
            yield refusal(text, group.name, rows[0]["pv_name"], rows[0]["vg_uuid"])


def _logical(host: Host, spec: ServerSpec, rows: List[lvm.Row]) -> Iterator[Remark]:
    odd_last = sorted(rows, key=lambda row: row["segtype"] not in _PLAIN)  # a row is a segment
    kinds = {row["vg_name"] + "/" + row["lv_name"]: row for row in odd_last}
    wanted = [item.volume_group + "/" + item.logical_volume for item in spec.filesystems if item.volume_group]
    for name in wanted:
        if name not in kinds:
            yield refusal("{}: no such logical volume, expected what the spec mounts; correct the spec", name)
        elif kinds[name]["segtype"] not in _PLAIN:
            text = "{}: it is of type {}, expected linear or striped; lvconvert it, or move the data"
            yield refusal(text, name, kinds[name]["segtype"])
        elif kinds[name]["lv_skip_activation"]:
            text = "{0}: its activation is skipped, expected an active one; lvchange -kn {0}"
            yield refusal(text, name)
    groups = [group.name for group in spec.volume_groups]
    used = {host.real(item.source): "mounted on " + item.mount for item in mounts(host)}
    used.update({host.real(name): "in use as swap" for name in swaps(host)})
    for name in sorted(set(kinds) - set(wanted)):
        device = host.real("/dev/" + name)
        if name.split("/")[0] in groups and device and device in used:
            text = (
                "{}: it is in the group and {}, expected nothing in use that the spec lacks: no release "
                "could deactivate the group; unmount it (swapoff), or add it to the spec"
            )
            yield refusal(text, name, used[device])
        elif name.split("/")[0] in groups:
            text = "{}: it is in the group, and nothing of the spec is on it; nobody mounts it afterwards"
            yield warning(text, name)


def configuration(host: Host, spec: ServerSpec) -> Iterator[Remark]:
    """What this host's lvm.conf(5) would hide or leave alone, before its volumes come."""
    if holds(host, spec):
        return
    out = host.run("lvmconfig", "activation/volume_list", tolerate=_UNSET).out
    for group in spec.volume_groups if out.strip() else ():
        names = [item.device[len("/dev/") :] for item in spec.filesystems if item.volume_group == group.name]
        listed = ['"{}"'.format(name) in out for name in names]
        if '"{}"'.format(group.name) in out or (listed and all(listed)):
            continue
        if '"@' in out:
            text = (
                "{0}: activation/volume_list has it by a tag at best ({1}), expected its name there; add it "
                "in lvm.conf, or see that `vgs -o vg_tags {0}` shows such a tag where the volumes are"
            )
            yield warning(text, group.name, " ".join(out.split()))
        else:
            text = "{0}: activation/volume_list leaves it out ({1}), expected it there; add it in lvm.conf"
            yield refusal(text, group.name, " ".join(out.split()))
    if host.read(lvm.DEVICES_FILE) is not None and lvm.uses_devices_file(host):
        tolerate = dict.fromkeys((1, 2, 3, 5), "no such command")
        if host.run("lvm", "lvmdevices", "--help", tolerate=tolerate).code:
            yield refusal(
                "{0}: this LVM has no lvmdevices to list the volumes with; remove {0}", lvm.DEVICES_FILE
            )
    for setting in ("devices/filter", "devices/global_filter"):
        text = host.run("lvmconfig", setting, tolerate=_UNSET).out
        links = [volume.link for volume in spec.volumes]
        if any(all(hidden(text, [link, name]) for name in _names()) for link in links):
            refused = "{}: it hides every disk of the volumes ({}), expected none hidden; correct lvm.conf"
            yield refusal(refused, setting, " ".join(text.split()))


def _names() -> List[str]:
    return ["/dev/sd" + letter for letter in _LETTERS]


def hidden(setting: str, names: List[str]) -> bool:
    """Whether a filter rejects a disk with these names (lvm.conf(5), devices/filter).

    Of each name the first pattern that matches it decides; one name that is admitted admits the disk.
    """
    patterns = _patterns(setting)
    verdicts = {
        next((rejects for rejects, pattern in patterns if pattern.search(name)), None) for name in names
    }
    return True in verdicts and False not in verdicts


def _patterns(setting: str) -> List[Tuple[bool, Pattern[str]]]:
    """Of each string: r or a, a delimiter, a regular expression, the delimiter's partner."""
    patterns = []
    for text in re.findall(r'"((?:[^"\\]|\\.)*)"', setting):
        action, inner = text[:1], text[2:-1]
        try:
            patterns.append((action == "r", re.compile(inner)))
        except re.error:
            continue  # LVM's expressions are plainer than Python's: what this cannot read decides nothing
    return patterns
