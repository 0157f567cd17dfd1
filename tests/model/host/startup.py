"""What a host does by itself when it boots: iSCSI, LVM, fstab, and the units that are enabled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.model.host.mounts import normal

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost

_EVERYWHERE = ("/", "/proc", "/sys", "/dev", "/run")


def start_up(host: LinuxHost) -> list[str]:
    """Brings everything up; returns a text for each fstab line that holds up the boot (systemd.mount(5))."""
    from tests.model.host.lvm import activate_complete  # noqa: PLC0415 - the commands know hosts

    if host.initiator.records:
        host.units.start("iscsid")
    for key, settings in host.initiator.records.items():
        if settings["node.startup"] == "automatic":
            host.initiator.log_in(key)
    activate_complete(host)
    found = mount_all(host)
    for name in ("nfs-server", "autofs"):
        unit = host.units[name]
        if unit.installed and unit.enabled == "enabled" and not (name == "nfs-server" and found):
            host.units.start(name)
    return found


def mount_all(host: LinuxHost) -> list[str]:
    """What systemd mounts of fstab, outer mount points first, and bind mounts after what they are out of;
    returns what it could not, but for nofail."""
    from tests.model.host.mount_tools import do_mount, fstab  # noqa: PLC0415 - the commands know hosts
    from tests.model.host.tools import HangError  # noqa: PLC0415

    troubles = []
    for line in sorted(fstab(host), key=lambda line: ("bind" in line.options, normal(line.mount))):
        automatic = line.mount.startswith("/") and "noauto" not in line.options
        if not automatic or normal(line.mount) in _EVERYWHERE or _mounted(host, line.mount, line.source):
            continue
        try:
            outcome = do_mount(host, line)
            said = outcome.err.strip() if outcome.code else ""
        except HangError:
            said = f"mount {line.mount}: no end"
        if said and "nofail" not in line.options:
            troubles.append(said)
    return troubles


def _mounted(host: LinuxHost, target: str, source: str) -> bool:
    top = host.mounts.top(host.mounts.canonical(target))
    return top is not None and (top.source == source or top.block is host.devices.find(source))
