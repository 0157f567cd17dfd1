"""What a takeover would refuse or lose, judged beforehand by the hooks on both servers (hooks/survey.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from failover.hosts import specs
from failover.hosts.hook_runner import HookedHost
from failover.hosts.ssh import Silent
from failover.model.hook_report import Answer
from failover.model.observation import Attachment, Presence
from failover.model.outcome import FailoverError, Refused
from failover.model.stack_output import Stack
from failover.preflight.check import Check, blocking, ok, unknown, warning
from hooks.result import PRESENT, UNKNOWN, Layer

if TYPE_CHECKING:
    from failover.preflight.context import Ground

ACTIVE, TARGET = "survey of the active server", "survey of the target"
SECONDS = 60.0  # the survey's own deadline on the host; it only reads
EXPECTED = "nothing that a takeover would refuse"
_NONE = str([])  # the addresses of a name that has none


def active(ground: Ground) -> Iterator[Check]:
    """The active server, where it answers: what the next one will find on the volumes.

    One whose own check could not learn something hangs somewhere: a failover away from it does not wait.
    """
    seen = ground.server(ground.stack.active)
    if seen.presence is not Presence.ANSWERS:
        return
    name = seen.server.name
    if seen.answer and any(layer.state == UNKNOWN for layer in seen.answer.layers):
        found = f"not asked: {seen.answer.complaint}"
        yield warning(_called(name), found, EXPECTED, f"run preflight again when {name} is well")
    else:
        yield from _looked(ground, name)


def target(ground: Ground) -> Iterator[Check]:
    """The target, where it runs and its host key is known: whether it can carry the volumes."""
    server = ground.target
    if server.name == ground.stack.active or server.instance_id is None or server.address is None:
        return
    if ground.instance(server.instance_id).state != "RUNNING":
        return
    if server.adopted or ground.hosts.keys.of(server.address, server.instance_id):
        yield from _looked(ground, server.name)


def known(ground: Ground) -> Answer | None:
    """The active server's survey where there is one: what the target is compared with."""
    active = ground.server(ground.stack.active)
    if active.presence is not Presence.ANSWERS:
        return None
    try:
        return ground.survey(active.server.name)
    except (Silent, FailoverError):  # the active server's own check says so
        return None


def judge_settings(old: Answer | None, new: Answer | None) -> Iterator[Check]:
    """nfsd's settings that the active server has, and the target has otherwise or not at all."""
    before, after = (_facts(answer, "settings") for answer in (old, new))
    odd = {key: value for key, value in before.items() if after.get(key) != value}
    if old and new and odd:
        listed = ", ".join(
            f"{k} {v} ({after.get(k, 'not set')} on {new.host})" for k, v in sorted(odd.items())
        )
        remedy = f"set [nfsd] in /etc/nfs.conf on {new.host} as on {old.host}, if it matters"
        yield warning(
            _called(new.host), f"nfsd on {old.host} is set to {listed}", "the same settings", remedy
        )


def judge_names(old: Answer | None, new: Answer) -> Iterator[Check]:
    """Clients that only the active server knows by name (its /etc/hosts): the new one would not serve them.

    exportfs(8) leaves such a client out with a warning, and serves the others.
    """
    for name in unknown_clients(old, new):
        found = f"nfs: exports name {name}, which has an address on {old.host if old else ''} alone"
        expected = f"a name that {new.host} can look up"
        remedy = f"enter {name} in /etc/hosts of {new.host} and of its image, or in DNS, or export by address"
        yield blocking(_called(new.host), found, expected, remedy)


def unknown_clients(old: Answer | None, new: Answer) -> list[str]:
    """Names of clients with an address on the old server and none on the new one."""
    before, after = (_facts(answer, "clients") for answer in (old, new))
    return [name for name, found in before.items() if found != _NONE and after.get(name) == _NONE]


def uuids(answer: Answer | None) -> dict[str, str]:
    """The filesystems' UUIDs by mount point, as the server that holds them has them."""
    return _facts(answer, "uuids")


def _facts(answer: Answer | None, name: str) -> dict[str, str]:
    found = [layer.facts[name] for layer in answer.layers if name in layer.facts] if answer else []
    return {str(k): str(v) for facts in found if isinstance(facts, dict) for k, v in facts.items()}


def _looked(ground: Ground, name: str) -> Iterator[Check]:
    try:
        found = ground.survey(name)
    except Silent as error:
        yield unknown(_called(name), str(error), EXPECTED, f"look at {name}, then run preflight again")
        return
    if found is not None:
        old = known(ground) if name != ground.stack.active else None
        yield from judge(found)
        yield from judge_settings(old, found)
        yield from judge_names(old, found)


def judge(answer: Answer) -> Iterator[Check]:
    """A blocking check for each refusal, a warning for each warning and for what could not be learnt."""
    name = _called(answer.host)
    for layer in answer.layers:
        yield from (blocking(name, *_parts(answer.host, layer, text)) for text in _texts(layer, "refusals"))
        yield from (warning(name, *_parts(answer.host, layer, text)) for text in _texts(layer, "warnings"))
        if layer.state != PRESENT and not _texts(layer, "refusals"):
            yield warning(name, *_parts(answer.host, layer, layer.message))
    if not answer.layers:
        yield warning(name, answer.result.message, EXPECTED, f"look at {answer.host}")
    elif all(layer.state == PRESENT and not _texts(layer, "warnings") for layer in answer.layers):
        yield ok(name, f"{answer.host} has nothing that a takeover would refuse")


def refuse(
    host: HookedHost,
    stack: Stack,
    held: Mapping[str, Attachment],
    deadline_seconds: float,
    old: Callable[[], Answer | None] = lambda: None,
) -> None:
    """Raise Refused when this server, which could not be surveyed earlier, would refuse the volumes.

    `old`: the survey of the server that serves now; None where it does not answer.
    """
    found = ask(host, stack, held, deadline_seconds)
    refusals = [text for layer in found.layers for text in _texts(layer, "refusals")] if found else []
    if found and "clients" in {key for layer in found.layers for key in layer.facts}:
        refusals += [f"{check.found}; {check.remedy}" for check in judge_names(old(), found)]
    if refusals:
        raise Refused(
            f"{host.ssh.name} would refuse the volumes: {'; '.join(refusals)}",
            f"mend that on {host.ssh.name}, then run the same command again",
        )


def ask(
    host: HookedHost,
    stack: Stack,
    held: Mapping[str, Attachment],
    deadline_seconds: float,
    learnt: Mapping[str, str] | None = None,
) -> Answer | None:
    """The survey of one server that holds these volumes; None while no portal is known at all.

    `learnt`: UUIDs by mount point, for filesystems of which the spec has none.
    """
    seconds = min(SECONDS, deadline_seconds)
    spec = specs.server_spec(stack, held, seconds)
    spec["filesystems"] = [
        {**item, "uuid": item.get("uuid") or (learnt or {}).get(item["mount"])}
        for item in spec.get("filesystems", [])
    ]
    if not all(group["volumes"] for group in spec["volume_groups"]):
        return None
    return host.hooks("survey", spec, seconds)


def _called(name: str) -> str:
    return f"survey of {name}"


def _texts(layer: Layer, kind: str) -> list[str]:
    found = layer.facts.get(kind, [])
    return [str(text) for text in found] if isinstance(found, list) else []


def _parts(host: str, layer: Layer, text: str) -> tuple[str, str, str]:
    """Found, expected, remedy: a survey's text has its remedy after the last semicolon."""
    found, _, remedy = text.rpartition("; ")
    return (f"{layer.layer}: {found or text}", EXPECTED, remedy if found else f"mend that on {host}")
