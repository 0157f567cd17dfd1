"""The hosts over SSH: who answers, and whether the active server carries what it should."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from failover.bundle.zipapp import hooks_sha256
from failover.hosts.ssh import Silent
from failover.model import nodeset
from failover.model.observation import ClientStatus, Presence, ServerStatus
from failover.model.site import Transport
from failover.preflight.check import Check, CheckResult, blocking, ok, unknown, warning
from failover.preflight.context import Ground
from hooks.client.site_names import source_of

ACTIVE, TARGET, CLIENTS = "active server", "target over SSH", "clients"
FOLLOWING = "clients that follow"
_RENEW = "`./inv clients follow --on` renews it, `--off` takes it away"
UNREACHED, REACH = "hosts", "hosts from here"
_LISTED = 10
_MEND_CLIENT = "mend it on the client as the text says, or take the mount out of the site"
_LOOK_AT_CLIENT = "look whether it should be in the site, or be gone"
_ONE_NAME = "mount it by one name on the client: the two are two mounts, with caches and locks of their own"
_CLOCK_SECONDS = 60.0
_MEND_CLOCK = "look at chronyd on the client (`chronyc tracking`), and at this machine's own clock"
METADATA_FOLDER = "/etc/lvm/backup"


def active(ground: Ground) -> Iterator[Check]:
    """The active server's own check, and whether anything of the site is reached from here at all.

    A dead active server is what a failover is for. Whether its silence would be believed is what `reach`
    tells (failover/plan/silence.py).
    """
    status = ground.server(ground.stack.active)
    yield judge_active(status)
    yield judge_reach(status, ground.clients())


def judge_active(status: ServerStatus) -> Check:
    """Every layer present."""
    name, expected = status.server.name, "every layer present"
    if status.presence is Presence.ANSWERS and status.answer and status.answer.present:
        layers = ", ".join(layer.layer for layer in status.answer.layers)
        return ok(ACTIVE, f"{name} answers; present: {layers}")
    if status.presence is Presence.ANSWERS:
        text = status.answer.complaint if status.answer else "it answers, but does not hold every volume"
        return warning(ACTIVE, f"{name}: {text}", expected, f"run `failover --active {name}` to repair it")
    if status.presence is Presence.UNKNOWN and status.trouble:
        return unknown(ACTIVE, status.trouble.reason, expected, status.trouble.remedy)
    if status.presence is Presence.SILENT:
        remedy = f"if it should serve, look at {name} now"
        tried = f" ({status.attempt.line})" if status.attempt else ""
        return warning(ACTIVE, f"{name} is {status.instance_state} and silent{tried}", expected, remedy)
    text = f"{name} is {status.instance_state or 'without an instance'} or holds no volume"
    return warning(ACTIVE, text, expected, f"run `failover --active {name}` if it should serve")


def judge_reach(active: ServerStatus, clients: Sequence[ClientStatus]) -> Check:
    """Some host of the site answers from here: without one, silence would be no evidence."""
    reached = [c.client.name for c in clients if c.attempt and c.attempt.answered]
    reached += [active.server.name] if active.attempt and active.attempt.answered else []
    if reached:
        return ok(REACH, f"{len(reached)} answer SSH, such as {reached[0]}")
    return unknown(
        REACH,
        f"neither {active.server.name} nor any of {len(clients)} clients answers SSH from here",
        "an answer of one host of the site",
        "run it on a machine that reaches the hosts of the site; look at this machine's network, at [ssh] in "
        "the site, and at the bastion",
    )


def unreached(_: Ground) -> Iterator[Check]:
    """In the place of all others here, where the site says that hosts are not reached over SSH."""
    remedy = "run preflight on a machine that reaches the hosts, for example nightly"
    yield warning(UNREACHED, "not checked: [ssh] reach = false", "an answer of every host", remedy)


def clients(ground: Ground) -> Iterator[Check]:
    """How many clients let us in, and what would be refused on each."""
    statuses = ground.clients()
    yield judge_clients(statuses)
    yield from judge_following(statuses)
    yield from together(check for one in statuses for check in judge_client(one))


def judge_clients(statuses: Sequence[ClientStatus]) -> Check:
    """All answer. One that does not is left alone by a failover; it never stops the others."""
    left = [one for one in statuses if one.presence is not Presence.ANSWERS]
    text = f"{len(statuses) - len(left)} of {len(statuses)} answer"
    if agents := sum(one.client.transport is Transport.RUN_COMMAND for one in statuses):
        text += f", {agents} of them asked by commands of OCI's agent"
    reasons = _reasons(left)
    if not reasons:
        return ok(CLIENTS, text if statuses else "none are configured")
    remedies = dict.fromkeys(_remedy(one) for one in left)
    remedy = f"they would be left alone: {'; '.join(remedies)}; or remount them by hand afterwards"
    more = f"; and {len(reasons) - _LISTED} more" if len(reasons) > _LISTED else ""
    return warning(CLIENTS, f"{text}; {'; '.join(reasons[:_LISTED])}{more}", "all", remedy)


def _remedy(one: ClientStatus) -> str:
    if one.client.transport is Transport.RUN_COMMAND and one.trouble:
        return one.trouble.remedy
    return "mend their SSH"


def judge_following(statuses: Sequence[ClientStatus]) -> Iterator[Check]:
    """The clients with a unit of their own, which follows the service; no check where there is none.

    It is another way to the same end: an operator's failover does not need it.
    """
    units = [(one.client.name, one.answer.follows) for one in statuses if one.answer]
    ours = hooks_sha256()
    states = [(name, unit.fault(ours) or f"on, hooks {unit.sha256}") for name, unit in units if unit]
    if not states:
        return
    text = "; ".join(f"{nodeset.folded(names)}: {state}" for names, state in nodeset.grouped(states))
    text = f"{len(states)} of {len(units)}: {text}"
    if any(unit and unit.fault(ours) for _, unit in units):
        yield warning(FOLLOWING, text, "on, with these hooks, on this site", _RENEW)
    else:
        yield ok(FOLLOWING, text)


def _reasons(left: Sequence[ClientStatus]) -> list[str]:
    """Why clients do not let us in: a few of them one by one, more than that by what they have in common."""
    if len(left) <= nodeset.FEW:
        return [_why_left(one) for one in left]
    own = [(c.client.name, nodeset.impersonal(_why_left(c), c.client.name, c.client.address)) for c in left]
    return [f"{nodeset.folded(names)}: {text}" for names, text in nodeset.grouped(own)]


def together(checks: Iterable[Check]) -> list[Check]:
    """Checks of single clients that differ in the client alone, as one; a few clients stay one by one."""
    every = list(checks)
    if len({check.name for check in every}) <= nodeset.FEW:
        return every
    groups: dict[Check, list[str]] = {}
    for check in every:
        name = check.name.partition(" ")[2]
        alike = replace(check, name="", actual=nodeset.impersonal(check.actual, name))
        groups.setdefault(alike, []).append(name)
    rows = sorted(groups.items(), key=lambda one: (one[0].outcome is CheckResult.BLOCKING, len(one[1])))
    return [replace(alike, name=f"client {nodeset.folded(names)}") for alike, names in reversed(rows)]


def _why_left(one: ClientStatus) -> str:
    if one.trouble:
        return one.trouble.reason
    return f"{one.client.name}: {one.attempt.result if one.attempt else 'silent'}"


def judge_client(one: ClientStatus) -> Iterator[Check]:
    """What the client's own judgement refuses is blocking; what it warns of is a warning."""
    name = f"client {one.client.name}"
    for text in one.answer.refusals if one.answer else ():
        yield blocking(name, text, "a mount that can be brought over", _MEND_CLIENT)
    for text in one.answer.warnings if one.answer else ():
        yield warning(name, text, "nothing besides the mounts in the site", _LOOK_AT_CLIENT)
    for path, sources in _under_two_names(one).items():
        yield warning(name, f"mounts {path} under two names: {', '.join(sources)}", "one name", _ONE_NAME)
    ahead = one.answer.ahead if one.answer else None
    if ahead is not None and abs(ahead) > _CLOCK_SECONDS:
        text = f"its clock is about {abs(ahead) / 60:.0f} min {'ahead of' if ahead > 0 else 'behind'} ours"
        yield warning(name, text, f"within {_CLOCK_SECONDS:.0f} s", _MEND_CLOCK)


def _under_two_names(one: ClientStatus) -> dict[str, list[str]]:
    """Exports that the client has mounted from more than one host's name, and where each."""
    sources: dict[str, dict[str, str]] = {}
    for layer in one.answer.layers if one.answer else ():
        for mount in one.client.mounts:
            source = source_of(str(layer.facts.get(mount.mount) or ""))
            if source:
                sources.setdefault(mount.path, {})[source.host] = f"{source.host} at {mount.mount}"
    return {path: sorted(by_host.values()) for path, by_host in sources.items() if len(by_host) > 1}


def target(ground: Ground) -> Iterator[Check]:
    """Whether a target that runs already lets us in; a run under way asks it by its own step."""
    server = ground.target
    if server.instance_id is None or server.address is None:
        yield ok(TARGET, f"{server.name} does not exist yet")
        return
    state = ground.instance(server.instance_id).state
    if state != "RUNNING":
        yield ok(TARGET, f"not checked: {server.name} is {state}")
    elif not server.adopted and not ground.hosts.keys.of(server.address, server.instance_id):
        yield warning(
            TARGET,
            f"not checked: the host key of {server.name} is not known yet",
            "an answer",
            f"`./inv standby.up {server.name}` reads it from the instance's console, and checks the host; "
            "a failover would do so only then",
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
    status = ground.server(ground.stack.active)
    address = status.server.address
    for group in ground.stack.spec["volume_groups"]:
        name = str(group["name"])
        if status.presence is not Presence.ANSWERS or address is None:
            yield judge_metadata(name, status.server.name, None)
            continue
        argv = ["sudo", "-n", "test", "-s", f"{METADATA_FOLDER}/{name}"]
        yield judge_metadata(
            name, status.server.name, ground.host(status.server, address).ssh.run(argv, 60).code
        )


def judge_metadata(group: str, server: str, code: int | None) -> Check:
    """`code`: of `test -s` on the backup file; None when the server could not be reached."""
    check, path = f"metadata of {group}", f"{METADATA_FOLDER}/{group}"
    if code == 0:
        return ok(check, f"{path} is on {server}")
    expected = f"{path} on {server}"
    if code is None:
        text = "not checked: the active server does not answer"
        return warning(check, text, expected, f"look again when {server} answers")
    remedy = f"run `vgcfgbackup {group}` on {server}, and keep a copy of {path} elsewhere"
    return warning(check, f"no {path} on {server}", expected, remedy)
