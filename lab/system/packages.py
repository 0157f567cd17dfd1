"""The Debian packages that the lab is made of: which are missing, and how they come onto this machine."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.system.command import run
from lab.system.errors import HardwareError

TOOLS = {  # a tool that the lab runs -> the package that has it
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "tgtd": "tgt",
    "tgtadm": "tgt",
    "dnsmasq": "dnsmasq-base",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "cpio": "cpio",
    "ip": "iproute2",
    "unshare": "util-linux",
    "losetup": "mount",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nc": "netcat-openbsd",
    "lz4": "lz4",
    "xz": "xz-utils",
}
# what tests check with
TEST_TOOLS = {
    **TOOLS,
    "cloud-init": "cloud-init",
    "systemd-analyze": "systemd",
    "chromium": "chromium",
    "node": "nodejs",
    "npm": "npm",
}
POLICY = Path("/usr/sbin/policy-rc.d")
TGT_UNIT = Path("/etc/systemd/system/tgt.service")


def missing(tools: Mapping[str, str] = TOOLS) -> list[str]:
    """Packages whose tools are not on the PATH, sorted."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"  # a user's PATH may lack the sbin folders
    return sorted({package for tool, package in tools.items() if shutil.which(tool, path=path) is None})


def install_command(packages: list[str]) -> str:
    """The one line for an operator to copy."""
    return f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"


def ensure(tools: Mapping[str, str] = TOOLS) -> list[str]:
    """Have every package, and install what is missing; what was new.

    Raises HardwareError, with the command to run, for another user than root; and where that did not help.
    """
    wanted = missing(tools)
    if not wanted:
        return []
    if os.geteuid() != 0:
        raise HardwareError(f"packages are missing; run: sudo sh -c '{install_command(wanted)}'")
    if shutil.which("apt-get") is None:
        raise HardwareError(f"this machine has no apt-get: install what Debian calls {', '.join(wanted)}")
    _install(wanted)
    still = missing(tools)
    if still:
        raise HardwareError(f"apt-get succeeded, yet these are not on the PATH: {', '.join(still)}")
    return wanted


def _install(packages: list[str]) -> None:
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    run([*apt, "update"], deadline_seconds=300, env=env)
    with _no_services(mask_tgt="tgt" in packages):
        run([*apt, "install", "--no-install-recommends", *packages], deadline_seconds=900, env=env)


@contextmanager
def _no_services(mask_tgt: bool) -> Iterator[None]:
    """Keep packages from starting services: the lab runs its own tgtd, inside its own namespace.

    policy-rc.d holds only while installing; the mask keeps the unit from starting at the next boot.
    """
    if mask_tgt and not TGT_UNIT.exists() and not TGT_UNIT.is_symlink():
        TGT_UNIT.parent.mkdir(parents=True, exist_ok=True)
        TGT_UNIT.symlink_to("/dev/null")
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        added = ensure()
    except HardwareError as error:
        sys.exit(str(error))
    print(f"installed: {', '.join(added)}" if added else "nothing is missing")
