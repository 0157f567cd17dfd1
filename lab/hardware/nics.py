"""Plugs network devices into a guest and takes them out, while it runs and for its next power on."""

from typing import Any

from lab.hardware import network, qmp
from lab.hardware.guests import Guest, nic_name
from lab.hardware.machine import Nic
from lab.system.errors import HardwareError
from lab.system.waiting import until

_SECONDS = 30.0  # for a guest to let a device go


def attach(guest: Guest, nic: Nic) -> None:
    """Plug it in. Twice is success. Raises HardwareError when QEMU refuses."""
    if any(one.mac == nic.mac for one in guest.nics()):
        return
    guest.keep_nics((*guest.nics(), nic))
    if not guest.pid():
        return
    name, tap = nic_name(nic), guest.make_tap(nic)
    backend: dict[str, Any] = {
        "type": "tap",
        "id": f"net-{name}",
        "ifname": tap,
        "script": "no",
        "downscript": "no",
    }
    qmp.ask(guest.monitor, "netdev_add", **backend)
    device: dict[str, Any] = {
        "driver": "virtio-net-pci",
        "id": name,
        "netdev": f"net-{name}",
        "mac": nic.mac,
        "romfile": "",
    }
    qmp.ask(guest.monitor, "device_add", **device)


def detach(guest: Guest, nic: Nic) -> None:
    """Take it out. Not there is success. Raises HardwareError when the guest does not let it go in time."""
    if all(one.mac != nic.mac for one in guest.nics()):
        return
    if guest.pid():
        name = nic_name(nic)
        qmp.ask(guest.monitor, "device_del", id=name)
        _await_gone(guest, name)
        qmp.ask(guest.monitor, "netdev_del", id=f"net-{name}")
    network.remove_tap(guest.lab, network.tap_name(guest.instance_id, nic.network))
    guest.keep_nics(one for one in guest.nics() if one.mac != nic.mac)


def _await_gone(guest: Guest, name: str) -> None:
    def is_removed() -> bool:
        return all(one["name"] != name for one in qmp.ask(guest.monitor, "query-rx-filter"))

    if not until(is_removed, _SECONDS, 0.1):
        raise HardwareError(f"{guest.machine().name} did not let {name} go within {_SECONDS:.0f} s")
