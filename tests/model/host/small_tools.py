"""The smaller commands: udevadm, blkid, dmesg, ip, arping, ss, getent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from hooks.host.host import CommandOutcome
from tests.model.host.storage import Filesystem, PhysicalVolume
from tests.model.host.tools import HangError, Unmodelled, fail, none_left, ok, option, taken, tool

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost


@tool("udevadm")
def udevadm(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    if arguments[0] not in ("settle", "trigger"):
        raise Unmodelled("udevadm " + arguments[0])
    return ok()


@tool("blkid")
def blkid(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    """-p -o export DEVICE: what libblkid reads from the disk itself (blkid(8))."""
    taken(arguments, "-p")
    layout = option(arguments, "-o")
    assert layout == "export", layout
    name = arguments.pop()
    none_left("blkid", arguments)
    block = host.devices.find(name)
    if block is None or not block.content or not host.devices.alive(block):
        return CommandOutcome(2, "", "")
    found = {"DEVNAME": name}
    if isinstance(block.content, PhysicalVolume):
        found |= {"UUID": block.content.uuid, "TYPE": "LVM2_member", "USAGE": "raid"}
    elif isinstance(block.content, Filesystem):
        label = {"LABEL": block.content.label} if block.content.label else {}
        found |= label | {"UUID": block.content.uuid, "TYPE": block.content.type, "USAGE": "filesystem"}
    return ok("".join(f"{key}={value}\n" for key, value in found.items()))


@tool("lsblk")
def lsblk(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    """-rno KNAME,UUID: what udev knows of every device, without a read (lsblk(8))."""
    assert arguments == ["-rno", "KNAME,UUID"], arguments
    blocks = host.devices.blocks.values()
    return ok("".join(f"{block.name} {getattr(block.content, 'uuid', '')}\n" for block in blocks))


@tool("modprobe")
def modprobe(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    """-n -q MODULE: whether there is one; this kernel has all that it knows built in."""
    flags = taken(arguments, "-n", "-q")
    assert flags == {"-n", "-q"}, flags
    return CommandOutcome(1, "", "")


@tool("dmesg")
def dmesg(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    return ok("".join(f"[{number:5}.000000] {line}\n" for number, line in enumerate(host.kernel_log)))


@tool("ip")
def ip(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    taken(arguments, "-j")
    words, rest = tuple(arguments[:2]), arguments[2:]
    if words == ("address", "show"):
        return ok(json.dumps([_link(name, found) for name, found in host.addresses.items()]))
    if words == ("route", "show"):
        return ok(json.dumps([{"dst": "default", "gateway": "10.0.0.1", "dev": next(iter(host.addresses))}]))
    if words[0] != "address" or words[1] not in ("add", "del"):
        raise Unmodelled(f"ip {arguments}")
    address, _, prefix = rest[0].partition("/")
    device = rest[rest.index("dev") + 1]
    held = (address, int(prefix))
    if device not in host.addresses:
        return fail(1, f'Cannot find device "{device}"')
    if words[1] == "add" and held in host.addresses[device]:
        return fail(2, "RTNETLINK answers: File exists")
    if words[1] == "del" and held not in host.addresses[device]:
        return fail(2, "RTNETLINK answers: Cannot assign requested address")
    (host.addresses[device].append if words[1] == "add" else host.addresses[device].remove)(held)
    return ok()


def _link(name: str, found: list[tuple[str, int]]) -> dict[str, object]:
    infos = [{"family": "inet", "local": address, "prefixlen": prefix} for address, prefix in found]
    return {"ifname": name, "addr_info": infos}


@tool("arping")
def arping(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    return CommandOutcome(1, "", "")


@tool("ss")
def ss(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    return ok("LISTEN 0 64 0.0.0.0:2049 0.0.0.0:*\n" if host.nfsd.threads else "")


@tool("mkdir")
def mkdir(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    taken(arguments, "-p")
    (name,) = arguments
    if any(host.mounts.dead(item) for item in host.mounts.trail(host.mounts.canonical(name))):
        raise HangError
    Path(host.path(name)).mkdir(parents=True, exist_ok=True)
    return ok()


@tool("getent")
def getent(host: LinuxHost, arguments: list[str]) -> CommandOutcome:
    database, *names = arguments
    if database not in ("hosts", "ahosts", "ahostsv4"):
        raise Unmodelled("getent " + database)
    lines = [(host.address_of(name), name) for name in names]
    text = "".join(f"{address:15} {name}\n" for address, name in lines if address)
    return ok(text) if all(address for address, _ in lines) else CommandOutcome(2, text, "")
