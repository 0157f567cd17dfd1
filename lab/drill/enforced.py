"""What guests shaped like EL have to say of a move: SELinux, the boot service, LVM's devices file."""

from __future__ import annotations

import re

from lab.site.lab import Lab

_DENIED = re.compile(r"avc:\s+denied\s.*")
# the distribution's own daemons: Debian's policy does not let them do all that they try at boot
_PLATFORM = (
    "NetworkManager_t",
    "dhcpc_t",
    "systemd_generator_t",
    "systemd_tmpfiles_t",
    "udev_t",
)
_SOURCE = re.compile(r"scontext=\S+?:\S+?:(\S+?):")
# What hooks and cloud-init's part of them write, on servers and on clients; restorecon(8) leaves out what is
# not there (-i). What is under /run is left out: it is gone with the boot.
# Left out: iscsiadm's records, which Debian keeps there and EL in /var/lib/iscsi.
_RECORDS = ("-e", "/etc/iscsi/nodes")
WRITTEN = (
    *("/etc/fstab", "/etc/exports", "/etc/exports.d", "/etc/iscsi", "/etc/lvm", "/etc/nfs.conf"),
    *("/etc/nfs.conf.d", "/etc/systemd", "/etc/NetworkManager", "/etc/sysconfig", "/etc/default"),
    *("/etc/sysctl.conf", "/etc/sysctl.d", "/etc/idmapd.conf", "/etc/projects", "/etc/projid"),
    *("/opt", "/var/lib/nfs", "/var/lib/nfs-failover", "/root", "/etc/nfs-failover"),
)
# what keep_locks has on the data, and the type that the daemons may write
RECORDS, RECORD_TYPE = ("nfsdcld", "statd"), "var_lib_nfs_t"


def complaints(lab: Lab, names: tuple[str, ...]) -> list[str]:
    """A line for each guest that does not enforce, each kind of denial, and each file with a wrong label."""
    return [line for name in names for line in _of(lab, name)]


def service(lab: Lab, name: str) -> list[str]:
    """A line unless a launched server's boot service runs, and has never had to be started again."""
    shown = lab.on(name, "systemctl", "show", "-p", "ActiveState", "-p", "NRestarts", "nfs-failover.service")
    right = sorted(shown.split()) == ["ActiveState=active", "NRestarts=0"]
    actual = ", ".join(shown.split())
    return [] if right else [f"nfs-failover.service on {name}: {actual}, expected it active from the start"]


def unlisted(lab: Lab, name: str, volumes: int) -> list[str]:
    """A line unless LVM uses its devices file, and this many volumes are listed in it and no others."""
    used = lab.on(name, "sudo", "lvmconfig", "--typeconfig", "full", "devices/use_devicesfile").strip()
    listed = lab.on(name, "sudo", "lvmdevices").splitlines()
    right = used == "use_devicesfile=1" and len(listed) == volumes
    actual = f"{used}, {len(listed)} volumes listed"
    return [] if right else [f"LVM on {name}: found {actual}, expected its devices file with {volumes}"]


def records(lab: Lab, name: str) -> list[str]:
    """A line for each file of nfsd's and rpc.statd's records on the data that has another type."""
    folders = [f"{lab.shape.path}/.nfs-failover/{record}" for record in RECORDS]
    other = f"find {' '.join(folders)} ! -context '*:{RECORD_TYPE}:*' -printf '%p has %Z\\n'"
    lines = lab.on(name, "sudo", "sh", "-ec", other).splitlines()
    return [f"{name}: {line}, expected {RECORD_TYPE}" for line in lines]


def denials(messages: str) -> list[str]:
    """The denials in the kernel's messages, each kind once: without process and inode.

    Those of the distribution's own daemons are left out.
    """
    lines = (re.sub(r"\b(pid|ino)=\S+ ?", "", line) for line in _DENIED.findall(messages))
    return [line for line in dict.fromkeys(lines) if not _is_platforms(line)]


def _is_platforms(line: str) -> bool:
    source = _SOURCE.search(line)
    own = source is not None and source.group(1) in _PLATFORM
    # blkid inherits the log of cloud-init's search; iscsid looks for a module that is loaded already; nfsd at
    # its end closes files that the kernel has open for clients
    closing = ":nfsd_t:" in line and ":kernel_t:" in line and "tclass=fd" in line
    module = ":iscsid_t:" in line and ":modules_" in line
    # a daemon in Python would keep bytecode beside its sources where the image's is older than they are
    bytecode = ":firewalld_t:" in line and 'name="__pycache__"' in line
    return own or closing or module or bytecode or "/run/cloud-init/" in line


def _of(lab: Lab, name: str) -> list[str]:
    mode = lab.on(name, "sh", "-c", "sudo getenforce || true").strip()
    if mode != "Enforcing":
        return [f"SELinux on {name} is {mode or 'not there'}, expected Enforcing"]
    # the audit subsystem writes into the kernel's messages where no auditd runs (auditd(8))
    denied = [f"{name}: {line}" for line in denials(lab.on(name, "sudo", "dmesg"))]
    wrong = lab.on(name, "sudo", "restorecon", "-i", "-n", "-r", "-v", *_RECORDS, *WRITTEN)
    return denied + [f"{name}: {line}" for line in wrong.splitlines() if line.strip()]
