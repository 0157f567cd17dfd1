"""The lab's network: one namespace, one bridge that is router, metadata, resolver and storage at once.

A second subnet is a second bridge, made when the first NIC is plugged into it.
"""

from pathlib import Path

from lab.system.command import run
from lab.system.paths import RunDirectory, short_name

BRIDGE = "br0"
# the same in every lab: a guest restored from a snapshot still has it in its neighbour table
BRIDGE_MAC = "02:00:17:00:00:01"
ROUTER = "10.0.0.1"
# OCI's; cloud-init's Oracle data source sets it in the guest, and a bridge drops what is larger than its own
MTU = 9000
METADATA = "169.254.169.254"


def up(lab: RunDirectory) -> None:
    """Make namespace and bridge with the router's and the metadata service's address. Twice is success."""
    if not exists(lab):
        down(lab)
        run(["ip", "netns", "add", lab.namespace])
    if _has_link(lab, BRIDGE):
        return
    batch(
        lab,
        "link set lo up",
        f"link add {BRIDGE} address {BRIDGE_MAC} mtu {MTU} type bridge forward_delay 0 stp_state 0",
        f"addr add {ROUTER}/24 dev {BRIDGE}",
        f"addr add {METADATA}/16 dev {BRIDGE}",
        f"link set {BRIDGE} up",
    )
    # what has no route is then refused at once, where a machine that does not forward would be silent
    run([*inside(lab), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])


def down(lab: RunDirectory) -> None:
    """Remove the namespace with all links in it, half-made ones too. Not there is success."""
    file = namespace_file(lab)
    if not file.exists():
        return
    run(["ip", "netns", "delete", lab.namespace], tolerated=(0, 1, 255))
    if file.exists():  # made, but nothing mounted on it: `ip` was killed in between
        run(["umount", "--lazy", file], tolerated=(0, 1, 32))
        file.unlink(missing_ok=True)


def namespace_file(lab: RunDirectory) -> Path:
    """Where `ip` keeps the namespace."""
    return Path("/run/netns", lab.namespace)


def exists(lab: RunDirectory) -> bool:
    """Whether the lab's namespace is there and usable; a half-made one (no mount on its file) is not."""
    return namespace_file(lab).exists() and _usable(lab)


def inside(lab: RunDirectory) -> list[str]:
    """The words that run a command inside the lab's namespace; `ip` execs it, so the pid is the command's."""
    return ["ip", "netns", "exec", lab.namespace]


def batch(lab: RunDirectory, *lines: str) -> None:
    """Run several `ip` commands inside the namespace as one."""
    run(["ip", "-n", lab.namespace, "-batch", "-"], stdin="".join(f"{line}\n" for line in lines))


def add_subnet(lab: RunDirectory, number: int, router: str) -> None:
    """Make the bridge of a further subnet, with the router's address (address/prefix). Twice is success.

    As on OCI, a host cannot send from one VNIC with the address of another: the router takes a packet only
    from the bridge that its source lies behind (RFC 3704, strict), on every bridge from now on.
    """
    bridge = _bridge(number)
    if _has_link(lab, bridge):
        return
    mac = f"{BRIDGE_MAC[:-1]}{number + 1}"
    batch(
        lab,
        f"link add {bridge} address {mac} mtu {MTU} type bridge forward_delay 0 stp_state 0",
        f"addr add {router} dev {bridge}",
        f"link set {bridge} up",
    )
    for name in (BRIDGE, bridge):
        run([*inside(lab), "sh", "-c", f"echo 1 > /proc/sys/net/ipv4/conf/{name}/rp_filter"])


def _bridge(number: int) -> str:
    return f"{BRIDGE[:-1]}{number}"


def tap_name(instance_id: str, number: int = 0) -> str:
    """The guest's interface on the side of subnet `number`'s bridge."""
    return ("tap" if number == 0 else f"ta{number}") + short_name(instance_id)


def make_tap(lab: RunDirectory, instance_id: str, number: int = 0) -> str:
    """Make the guest's tap, plugged into the subnet's bridge; a left-over one is replaced. Its name."""
    tap = tap_name(instance_id, number)
    remove_tap(lab, tap)
    batch(lab, f"tuntap add dev {tap} mode tap", f"link set {tap} mtu {MTU} master {_bridge(number)} up")
    return tap


def remove_tap(lab: RunDirectory, tap: str) -> None:
    """Remove a tap if it is there."""
    if _has_link(lab, tap):
        batch(lab, f"link del {tap}")


def unplug(lab: RunDirectory, tap: str) -> None:
    """Take a tap off its bridge."""
    batch(lab, f"link set {tap} nomaster down")


def plug(lab: RunDirectory, tap: str, number: int) -> None:
    """Put a tap back on the bridge of its subnet."""
    batch(lab, f"link set {tap} master {_bridge(number)} up")


def add_portal(lab: RunDirectory, address: str) -> None:
    """Let the storage answer at `address` (169.254.2.x) too."""
    batch(lab, f"addr replace {address}/16 dev {BRIDGE}")


def remove_portal(lab: RunDirectory, address: str) -> None:
    """Let nothing answer at `address` any more. Not there is success."""
    run(["ip", "-n", lab.namespace, "addr", "del", f"{address}/16", "dev", BRIDGE], tolerated=(0, 2))


def _has_link(lab: RunDirectory, name: str) -> bool:
    return run(["ip", "-n", lab.namespace, "link", "show", "dev", name], tolerated=(0, 1)).returncode == 0


def _usable(lab: RunDirectory) -> bool:
    return run([*inside(lab), "true"], tolerated=(0, 1, 255)).returncode == 0
