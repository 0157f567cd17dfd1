"""The one JSON spec, parsed and checked before anything is touched.

Every name, path and address matches a strict pattern, so nothing here can reach a shell, pass for an
option, or split a line of fstab or exports.
"""

import ipaddress
import json
import re
from typing import List, Optional, Tuple

from hooks.contract.fields import Fields, SpecError, wrong
from hooks.contract.spec import (
    Export,
    Filesystem,
    Locks,
    ServerSpec,
    ServiceAddress,
    Spec,
    SpecVolume,
    VolumeGroup,
    filesystem_of,
)

VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"), "a name of letters, digits, '.', '_' and '-'"
_LVM = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,126}"), "an LVM name (lvm(8), VALID NAMES)"
_OCID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}"), "an OCID"
_IQN = (
    re.compile(r"iqn\.\d{4}-\d{2}\.[a-z0-9][a-z0-9.-]*(:[A-Za-z0-9._:-]+)?"),
    "an iSCSI name (RFC 3720, iqn.)",
)
PATH = re.compile(r"(/[A-Za-z0-9_+@][A-Za-z0-9._+@-]*){1,32}"), "an absolute path of plain components"
_TYPE = re.compile(r"xfs|ext[234]|btrfs"), "xfs, ext2, ext3, ext4 or btrfs"
_OPTIONS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/=@%+,-]{0,500}"), "comma-separated options"
_CLIENT = (
    re.compile(r"[A-Za-z0-9@*?:][A-Za-z0-9@*?._:/-]{0,254}"),
    "a host, network, netgroup or * (exports(5))",
)
HOST = (
    re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,39}"),
    "a hostname or address",
)
_UUID = re.compile(r"[0-9A-Fa-f]{4,8}(-[0-9A-Fa-f]{2,12}){0,4}"), "a filesystem UUID"
_CIDR = re.compile(r"[0-9A-Fa-f.:]{2,39}/[0-9]{1,3}"), "a network in CIDR notation"
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}"), "a network device"
_ROLE = re.compile(r"server|client"), "'server' or 'client'"
_SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "usr")


def parse(text: str) -> Spec:
    """The spec in this JSON text; raises SpecError."""
    fields = _fields(text)
    spec = _server(fields) if fields.text("role", *_ROLE) == "server" else _client(fields)
    fields.done()
    return spec


def storage(text: str) -> ServerSpec:
    """The volumes of a server's spec and what lies on them; whatever else it says is not looked at.

    For the loader (hooks/boot/): it need not know every part of the spec that it loads the hooks for.
    Raises SpecError.
    """
    fields = _fields(text)
    volumes = tuple(_volume(item) for item in fields.objects("volumes"))
    groups = tuple(_volume_group(item) for item in fields.objects("volume_groups"))
    filesystems = tuple(_filesystem(item, volumes) for item in fields.objects("filesystems"))
    return ServerSpec(300, volumes, groups, filesystems, (), None)


def _fields(text: str) -> Fields:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SpecError("spec: found no JSON ({}), expected one object".format(error)) from None
    fields = Fields("spec", document)
    fields.number("version", VERSION, VERSION)
    return fields


def _server(fields: Fields) -> ServerSpec:
    volumes = tuple(_volume(item) for item in fields.objects("volumes"))
    spec = ServerSpec(
        fields.number("deadline_seconds", 1, 86400, 300),
        volumes,
        tuple(_volume_group(item) for item in fields.objects("volume_groups")),
        tuple(_filesystem(item, volumes) for item in fields.objects("filesystems")),
        tuple(_export(item) for item in fields.objects("exports")),
        _service_address(fields.nested("service_address")),
        _settings(fields.nested("settings")),
        locks=_locks(fields.nested("locks")),
        networks=tuple(_network(item) for item in fields.some_texts("networks", *_CIDR)),
    )
    _check_references(spec)
    return spec


def _client(fields: Fields) -> Spec:
    from hooks.contract import client_spec  # noqa: PLC0415 - it imports this module

    return client_spec.parse(fields)


def _volume(fields: Fields) -> SpecVolume:
    name, volume_id = fields.text("name", *_NAME), fields.optional("volume_id", *_OCID)
    iqn, address = fields.text("iqn", *_IQN), _address(fields)
    volume = SpecVolume(
        name, volume_id, iqn, address, fields.number("port", 1, 65535, 3260), fields.flag("shareable")
    )
    fields.done()
    return volume


def _address(fields: Fields) -> str:
    text = fields.text("address", *HOST)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise wrong(fields.where + ".address", text, "an IP address") from None


def _volume_group(fields: Fields) -> VolumeGroup:
    group = VolumeGroup(fields.text("name", *_LVM), fields.texts("volumes", *_NAME))
    fields.done()
    if not group.volumes:
        raise wrong(fields.where + ".volumes", [], "at least one volume")
    return group


def _filesystem(fields: Fields, volumes: Tuple[SpecVolume, ...]) -> Filesystem:
    iqns = _straight_on(fields.optional("volume", *_NAME), volumes, fields.where + ".volume")
    take = fields.optional if iqns else fields.text
    group, logical = take("volume_group", *_LVM), take("logical_volume", *_LVM)
    mount, uuid = data_path(fields, "mount"), fields.optional("uuid", *_UUID)
    if iqns and (group or logical or not uuid):
        raise wrong(fields.where, mount, "with volume: a uuid, and no volume_group or logical_volume")
    kind, options = (
        fields.text("type", *_TYPE, default="xfs"),
        fields.text("options", *_OPTIONS, default="defaults"),
    )
    if "ro" in options.split(","):  # every check of a server would call it broken
        raise wrong(fields.where + ".options", options, "no ro: a server mounts it read-write")
    fields.done()
    return Filesystem(group or "", logical or "", mount, kind, _netdev(options), uuid, iqns)


def _straight_on(name: Optional[str], volumes: Tuple[SpecVolume, ...], where: str) -> Tuple[str, ...]:
    """The IQNs of all volumes, the named one's first; none without a name."""
    if name is None:
        return ()
    _known(where, [name], [item.name for item in volumes])
    return tuple(item.iqn for item in sorted(volumes, key=lambda item: item.name != name))


def _netdev(options: str) -> str:
    """Without both, a server whose volumes moved away hangs in its next boot (systemd.mount(5))."""
    named = options.split(",")
    return ",".join(named + [option for option in ("_netdev", "nofail") if option not in named])


def _export(fields: Fields) -> Export:
    path, clients = fields.text("path", *PATH), fields.texts("clients", *_CLIENT)
    options = fields.text("options", *_OPTIONS, default="rw,sync,no_subtree_check")
    fsid = fields.number("fsid", 0, 2**31 - 1, -1)  # 0 is NFSv4's root, so "none" needs another number
    fields.done()
    if not clients:
        raise wrong(fields.where + ".clients", [], "at least one client")
    return Export(path, clients, options, None if fsid < 0 else fsid)


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise wrong("spec.networks", text, "a network in CIDR notation, such as 10.0.2.0/24") from None


def _service_address(fields: Optional[Fields]) -> Optional[ServiceAddress]:
    if fields is None:
        return None
    address = ServiceAddress(
        _address(fields), fields.number("prefix", 1, 128, 32), fields.optional("device", *_DEVICE)
    )
    fields.done()
    return address


def _settings(fields: Optional[Fields]) -> Tuple[str, ...]:
    if fields is None:
        return ()
    from hooks.contract import settings  # noqa: PLC0415 - a spec of an older stack has none

    return settings.parse(fields)


def _locks(fields: Optional[Fields]) -> Optional[Locks]:
    if fields is None:
        return None
    locks = Locks(fields.number("lease_seconds", 1, 3600), fields.number("grace_seconds", 1, 3600))
    fields.done()
    if locks.grace < locks.lease:
        text = "at least lease_seconds ({}), or clients could not take their locks back in time"
        raise wrong(fields.where + ".grace_seconds", locks.grace, text.format(locks.lease))
    return locks


def data_path(fields: Fields, key: str) -> str:
    """An absolute path outside the system's own folders; raises SpecError."""
    path = fields.text(key, *PATH)
    if path.split("/")[1] in _SYSTEM:
        raise wrong("{}.{}".format(fields.where, key), path, "a path outside the system's own directories")
    return path


def unique(where: str, names: List[str]) -> None:
    """Raises SpecError when a name is there twice."""
    for name in names:
        if names.count(name) > 1:
            raise wrong(where, name, "each one once")


def _known(where: str, names: List[str], known: List[str]) -> None:
    for name in names:
        if name not in known:
            raise wrong(where, name, "one of: " + ", ".join(known))


def _check_references(spec: ServerSpec) -> None:
    """Names refer to what the spec itself declares, and nothing is declared twice."""
    volumes, groups = [item.name for item in spec.volumes], [item.name for item in spec.volume_groups]
    used = [name for group in spec.volume_groups for name in group.volumes]
    unique("spec.volumes.name", volumes)
    unique("spec.volumes.iqn", [item.iqn for item in spec.volumes])
    unique("spec.volume_groups.name", groups)
    unique("spec.volume_groups.volumes", used)
    _known("spec.volume_groups.volumes", used, volumes)
    unique("spec.filesystems.mount", [item.mount for item in spec.filesystems])
    unique("spec.filesystems.logical_volume", [item.device for item in spec.filesystems])
    grouped = [item.volume_group for item in spec.filesystems if not item.iqns]
    _known("spec.filesystems.volume_group", grouped, groups)
    unique("spec.exports", [item.path + " " + name for item in spec.exports for name in item.clients])
    for export in spec.exports:
        if filesystem_of(spec, export.path) is None:
            raise wrong("spec.exports.path", export.path, "a path in one of the spec's filesystems")
