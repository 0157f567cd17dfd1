"""The client layer: moves an NFS mount from a former server to the present; never waits on a dead mount."""

from typing import Dict, List, Optional

from hooks import client_fstab, fstab, textfile
from hooks.client_spec import ClientSpec, Mount
from hooks.holders import holders, listed
from hooks.mountinfo import Mounted, mounted_on
from hooks.result import ABSENT, BROKEN, PRESENT, Finding
from hooks.runner import CommandFailed, Host, OutOfTime, Refused

NAME = "client"
MOUNT_SECONDS = 90.0
UMOUNT_SECONDS = 30.0
CUT_SECONDS = 10.0  # the cut itself takes 0.2 s; the rest is waiting for a dead server
ANSWER_SECONDS = 10.0
REACH_SECONDS = 15.0
_PORT = 2049
_RULES = "; look at the server's firewall and at the subnet's security rules"


def check(host: Host, spec: ClientSpec) -> Finding:
    """Present when fstab and the kernel both name the present server, and it answers in time."""
    text = host.read(fstab.PATH) or ""
    faults = {item.mount: _fault(host, item, text) for item in spec.mounts}
    bad = [fault for fault in faults.values() if fault]
    top = {item.mount: _top(host, item) for item in spec.mounts}
    facts: Dict[str, object] = {mount: found.source if found else None for mount, found in top.items()}
    facts["reboot_required"] = spec.mode == "reboot" and bool(bad) and not _stale_lines(spec, text)
    if not bad:
        return Finding(
            PRESENT, "mounted: " + ", ".join(str(source) for source in facts.values() if source), facts
        )
    return Finding(BROKEN if any(top.values()) else ABSENT, "; ".join(bad), facts)


def _source(mount: Mount, server: Optional[str] = None) -> str:
    return "{}:{}".format(server or mount.server, mount.path)


def _former(mount: Mount) -> List[str]:
    return [_source(mount, server) for server in mount.former_servers if server != mount.server]


def _top(host: Host, mount: Mount) -> Optional[Mounted]:
    found = mounted_on(host, mount.mount)
    return found[-1] if found else None


def _stale_lines(spec: ClientSpec, text: str) -> List[str]:
    """Mount points whose line in fstab is not the present server's."""
    return [item.mount for item in spec.mounts if _source(item) not in fstab.active_sources(text, item.mount)]


def _fault(host: Host, mount: Mount, text: str) -> str:
    lines, found, source = fstab.active_sources(text, mount.mount), _top(host, mount), _source(mount)
    if source not in lines:
        return "{}: fstab has {}, expected {}".format(mount.mount, ", ".join(lines) or "no line", source)
    if found is None:
        return "{} is not mounted".format(mount.mount)
    if found.source != source:
        return "{}: mounted from {}, expected {}".format(mount.mount, found.source, source)
    if _answers(host, mount):
        return ""
    said = "" if _own_port(text, mount) else host.connect(mount.server, _PORT)
    why = ": port {}: {}{}".format(_PORT, said, _RULES) if said else ""
    return "{}: {} does not answer{}".format(mount.mount, mount.server, why)


def _own_port(text: str, mount: Mount) -> bool:
    """Whether the line in fstab reaches the server by another port than NFS over TCP has (nfs(5))."""
    line = fstab.line_of(text, [_source(mount)] + _former(mount), mount.mount) or ""
    return "port=" in line or "rdma" in line


def _answers(host: Host, mount: Mount) -> bool:
    """Asks the server in a child process that is left behind if it hangs (stat(1), statfs(2))."""
    try:
        return not host.run(
            "stat", "-f", "-c", "%T", mount.mount, tolerate={1: "no answer"}, seconds=ANSWER_SECONDS
        ).code
    except OutOfTime as error:
        host.note(str(error))
        return False


def apply(host: Host, spec: ClientSpec) -> List[str]:
    """Moves every mount to its present server; in mode "reboot" the reboot mounts it. Raises HookError.

    Nothing is touched before the present server's port answers. Then the dead mount goes first, by force and
    lazily: `systemctl daemon-reload` blocks for 90 s while fstab names a hung mount, a shutdown up to 180.
    """
    for mount in spec.mounts:
        _refuse_surprises(host, mount)
    moved = [item for item in spec.mounts if _needs_remount(host, item)]
    for mount in moved:
        if not _own_port(host.read(fstab.PATH) or "", mount):
            host.reach(mount.mount, mount.server, _PORT, REACH_SECONDS, _RULES)
    done = [text for mount in moved for text in _cut(host, mount)]
    edited = [item.mount + " repointed in fstab" for item in spec.mounts if _repoint(host, item)]
    if spec.mode == "reboot":
        return edited + done
    for mount in moved:
        host.run("mount", mount.mount, seconds=MOUNT_SECONDS)
        done.append("{} mounted from {}".format(mount.mount, mount.server))
    if edited:  # last: mount(8) reads fstab itself, and nobody should wait for systemd to read it too
        host.run("systemctl", "daemon-reload", seconds=MOUNT_SECONDS)
    return edited + done


def _refuse_surprises(host: Host, mount: Mount) -> None:
    """Only what came from a former server may be replaced."""
    known = [_source(mount)] + _former(mount)
    lines = fstab.active_sources(host.read(fstab.PATH) or "", mount.mount)
    if len(lines) != 1 or lines[0] not in known:
        text = "{}: fstab has {}, expected one line of: {}"
        raise Refused(text.format(mount.mount, ", ".join(lines) or "no line", ", ".join(known)))
    for found in mounted_on(host, mount.mount):
        if found.source not in known and found.type != "autofs":
            text = "{}: found {} mounted there, expected one of: {}; unmount it first"
            raise Refused(text.format(mount.mount, found.source, ", ".join(known)))


def _needs_remount(host: Host, mount: Mount) -> bool:
    found = _top(host, mount)
    return found is None or found.source != _source(mount) or not _answers(host, mount)


def _cut(host: Host, mount: Mount) -> List[str]:
    layers = [item for item in mounted_on(host, mount.mount) if item.type != "autofs"]
    if not layers:
        return []
    names = listed(holders(host, mount.mount))
    for left in range(len(layers), 0, -1):
        _cut_one(host, mount, left)
    note = "; restart what still uses the old mount: " + names if names else ""
    return ["{} cut off from {}{}".format(mount.mount, layers[-1].source, note)]


def _cut_one(host: Host, mount: Mount, layers: int) -> None:
    """Takes the uppermost of so many mounts off the tree.

    When nobody holds it any more, umount itself ends the file system, and waits for the dead server to take
    what was not written: that wait is none of ours once the mount is off the tree (umount(2), MNT_DETACH).
    """
    try:
        host.run("umount", "-f", "-l", mount.mount, seconds=CUT_SECONDS)
    except OutOfTime as error:
        if len([item for item in mounted_on(host, mount.mount) if item.type != "autofs"]) >= layers:
            raise
        host.note("{}; the mount is off the tree all the same".format(error))


def _repoint(host: Host, mount: Mount) -> bool:
    former, source = _former(mount), _source(mount)
    return textfile.edit(
        host, fstab.PATH, lambda text: client_fstab.repoint(text, former, source, mount.mount)
    )


def release(host: Host, spec: ClientSpec) -> List[str]:
    """Unmounts politely, for a planned switch; fails while a process uses the mount. fstab stays as it is."""
    done = []
    for mount in spec.mounts:
        while _top(host, mount):
            try:
                host.run("umount", mount.mount, seconds=UMOUNT_SECONDS)
            except CommandFailed as error:
                held = listed(holders(host, mount.mount)) or "nobody in /proc"
                raise CommandFailed("{}; held by {}".format(error, held)) from None
            done.append(mount.mount + " unmounted")
    return done
