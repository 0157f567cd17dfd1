"""The hosts over SSH: who answers, and whether the active server carries what it should."""

from __future__ import annotations

from collections.abc import Iterator

from failover.preflight.check import Check, blocking, ok, warning
from failover.preflight.ground import Ground
from failover.seen import Presence, ServerSeen
from failover.site import Client
from failover.ssh import Silent

ACTIVE, TARGET, CLIENTS = "active server", "target over SSH", "clients over SSH"
UNREACHED = "hosts"
METADATA_FOLDER = "/etc/lvm/backup"


def active(ground: Ground) -> Iterator[Check]:
    """The active server's own check. One that is dead is what a failover is for: never blocking."""
    yield judge_active(ground.server(ground.stack.active))


def judge_active(seen: ServerSeen) -> Check:
    """Every layer present."""
    name, expected = seen.server.name, "every layer present"
    if seen.presence is Presence.ANSWERS and seen.answer and seen.answer.present:
        layers = ", ".join(layer.layer for layer in seen.answer.layers)
        return ok(ACTIVE, f"{name} answers; present: {layers}")
    if seen.presence is Presence.ANSWERS:
        told = seen.answer.complaint if seen.answer else "it answers, but does not hold every volume"
        return warning(ACTIVE, f"{name}: {told}", expected, f"run `failover --active {name}` to repair it")
    if seen.presence is Presence.SILENT:
        remedy = f"if it should serve, look at {name} now"
        return warning(ACTIVE, f"{name} is {seen.instance_state} and silent", expected, remedy)
    told = f"{name} is {seen.instance_state or 'without an instance'} or holds no volume"
    return warning(ACTIVE, told, expected, f"run `failover --active {name}` if it should serve")


def unreached(_: Ground) -> Iterator[Check]:
    """In the place of all others here, where the site says that hosts are not reached over SSH."""
    remedy = "run preflight on a machine that reaches the hosts, for example nightly"
    yield warning(UNREACHED, "not asked: [ssh] reach = false", "an answer of every host", remedy)


def clients(ground: Ground) -> Iterator[Check]:
    """How many clients let us in. A silent one is left alone by a failover."""
    found = {c: ground.client(c).presence for c in ground.site.clients}
    yield judge_clients(found)


def judge_clients(found: dict[Client, Presence]) -> Check:
    """All answer."""
    silent = [c.name for c, presence in found.items() if presence is not Presence.ANSWERS]
    told = f"{len(found) - len(silent)} of {len(found)} answer"
    if not silent:
        return ok(CLIENTS, told if found else "none are configured")
    remedy = "they would be left alone: mend their SSH, or remount them by hand afterwards"
    return warning(CLIENTS, f"{told}; silent: {', '.join(silent)}", "all", remedy)


def target(ground: Ground) -> Iterator[Check]:
    """Whether a target that runs already lets us in; a run under way asks it by its own step."""
    server = ground.target
    if server.instance_id is None or server.address is None:
        yield ok(TARGET, f"{server.name} does not exist yet")
        return
    state = ground.instance(server.instance_id).state
    if state != "RUNNING":
        yield ok(TARGET, f"not asked: {server.name} is {state}")
    elif not server.adopted and not ground.hosts.keys.of(server.address, server.instance_id):
        yield warning(
            TARGET,
            f"not asked: the host key of {server.name} is not known yet",
            "an answer",
            "nothing: the failover reads the key from the instance's console",
        )
    else:
        yield _greeted(ground, server.name, server.address)


def _greeted(ground: Ground, name: str, address: str) -> Check:
    if name == ground.stack.active:
        ground.server(name)  # one connection, one user at a time
    try:
        ground.host(ground.target, address).ssh.run(["true"], 60)
    except Silent as error:
        remedy = f"look at {name}'s console and at the security lists; reset it if it hangs"
        return blocking(TARGET, f"RUNNING, but silent: {error}", "an answer", remedy)
    return ok(TARGET, f"{name} answers")


def metadata_backup(ground: Ground) -> Iterator[Check]:
    """LVM's own copy of each group's metadata, on the active server."""
    seen = ground.server(ground.stack.active)
    address = seen.server.address
    for group in ground.stack.spec["volume_groups"]:
        name = str(group["name"])
        if seen.presence is not Presence.ANSWERS or address is None:
            yield judge_metadata(name, seen.server.name, None)
            continue
        argv = ["sudo", "-n", "test", "-s", f"{METADATA_FOLDER}/{name}"]
        yield judge_metadata(name, seen.server.name, ground.host(seen.server, address).ssh.run(argv, 60).code)


def judge_metadata(group: str, server: str, code: int | None) -> Check:
    """`code`: of `test -s` on the backup file; None when the server could not be asked."""
    check, path = f"metadata of {group}", f"{METADATA_FOLDER}/{group}"
    if code == 0:
        return ok(check, f"{path} is on {server}")
    expected = f"{path} on {server}"
    if code is None:
        told = "not asked: the active server does not answer"
        return warning(check, told, expected, f"look again when {server} answers")
    remedy = f"run `vgcfgbackup {group}` on {server}, and keep a copy of {path} elsewhere"
    return warning(check, f"no {path} on {server}", expected, remedy)
