"""What the surveys of both servers mean for preflight: refusals block, warnings warn (hooks/survey/)."""

from __future__ import annotations

from collections.abc import Iterator

from failover.hosts.ssh import Silent
from failover.hosts.survey import facts, name_refusals, texts
from failover.model.host.hook_report import HookReport
from failover.model.observation import Presence
from failover.preflight.check import Check, blocking, ok, unknown, warning
from failover.preflight.context import Ground
from hooks.contract.result import PRESENT, UNKNOWN, Layer
from hooks.settings.settings import NAME as SETTINGS

ACTIVE, TARGET = "survey of the active server", "survey of the target"
EXPECTED = "nothing that a takeover would refuse"


def active(ground: Ground) -> Iterator[Check]:
    """The active server, where it answers: what the next one will find on the volumes.

    One whose own check could not learn something hangs somewhere: a failover away from it does not wait.
    """
    status = ground.server(ground.stack.active)
    if status.presence is not Presence.ANSWERS:
        return
    name = status.server.name
    if status.answer and any(layer.state == UNKNOWN for layer in status.answer.layers):
        actual = f"not checked: {status.answer.complaint}"
        yield warning(_called(name), actual, EXPECTED, f"run preflight again when {name} is well")
    else:
        yield from _looked(ground, name)


def target(ground: Ground) -> Iterator[Check]:
    """The target, where it runs and its host key is known: whether it can carry the volumes."""
    if may_be_asked(ground):
        yield from _looked(ground, ground.target.name)


def may_be_asked(ground: Ground) -> bool:
    """Whether the target is another server than the active one, runs, and is known by its host key."""
    server = ground.target
    if server.name == ground.stack.active or server.instance_id is None or server.address is None:
        return False
    if ground.instance(server.instance_id).state != "RUNNING":
        return False
    return server.adopted or bool(ground.hosts.keys.of(server.address, server.instance_id))


def judge_settings(old: HookReport | None, new: HookReport | None) -> Iterator[Check]:
    """nfsd's settings that the active server has, and the target has otherwise or not at all.

    Where settings move with the data, only a daemon that is not installed is worth a word.
    """
    if not old or not new:
        return
    if any(layer.layer == SETTINGS for layer in old.layers):
        yield from _daemons(old, new)
        return
    before, after = facts(old, "settings"), facts(new, "settings")
    odd = {key: value for key, value in before.items() if after.get(key) != value}
    if odd:
        listed = ", ".join(
            f"{k} {v} ({after.get(k, 'not set')} on {new.host})" for k, v in sorted(odd.items())
        )
        remedy = f"set [nfsd] in /etc/nfs.conf on {new.host} as on {old.host}, if it matters"
        yield warning(
            _called(new.host), f"nfsd on {old.host} is set to {listed}", "the same settings", remedy
        )


def _daemons(old: HookReport, new: HookReport) -> Iterator[Check]:
    there = facts(new, "daemons")
    for name, state in facts(old, "daemons").items():
        if state == "enabled" and name not in there:
            remedy = f"install it on {new.host} (EL: quota-rpc, Debian: quota)"
            actual = f"settings: {name} is enabled on {old.host} and not installed on {new.host}"
            yield warning(_called(new.host), actual, "the same daemons: clients ask it for quotas", remedy)


def judge_names(old: HookReport | None, new: HookReport) -> Iterator[Check]:
    """Clients that only the active server knows by name (its /etc/hosts): the new one would not serve them.

    exportfs(8) leaves such a client out with a warning, and serves the others.
    """
    for refusal in name_refusals(old, new):
        yield blocking(_called(new.host), *refusal)


def judge_address(old: HookReport | None, new: HookReport) -> Iterator[Check]:
    """Who answers for the service address, asked from a target without it: the active server alone.

    A warning: ARP of a cloud's network may be answered by something else than the host.
    """
    answering = {text for layer in new.layers for text in texts(layer, "answering")}
    before = old.layers if old else ()
    own = {text for layer in before if texts(layer, "carried") for text in texts(layer, "own")}
    if any(texts(layer, "carried") for layer in new.layers) or not answering - own:
        return
    owner = (
        f"{old.host}'s own ({', '.join(sorted(own))})" if old and own else "no answer: no server carries it"
    )
    yield warning(
        _called(new.host),
        f"address: {', '.join(sorted(answering - own))} answers for the service address",
        owner,
        "find that host by its link address, and take the service address away there",
    )


def _looked(ground: Ground, name: str) -> Iterator[Check]:
    try:
        report = ground.survey(name)
    except Silent as error:
        yield unknown(_called(name), str(error), EXPECTED, f"look at {name}, then run preflight again")
        return
    if report is not None:
        old = ground.survey_of_active() if name != ground.stack.active else None
        yield from judge(report)
        yield from judge_settings(old, report)
        yield from judge_names(old, report)
        yield from judge_address(old, report)


def judge(answer: HookReport) -> Iterator[Check]:
    """A blocking check for each refusal, a warning for each warning and for what could not be learnt."""
    name = _called(answer.host)
    for layer in answer.layers:
        yield from (blocking(name, *_parts(answer.host, layer, text)) for text in texts(layer, "refusals"))
        yield from (warning(name, *_parts(answer.host, layer, text)) for text in texts(layer, "warnings"))
        if layer.state != PRESENT and not texts(layer, "refusals"):
            yield warning(name, *_parts(answer.host, layer, layer.message))
    if not answer.layers:
        yield warning(name, answer.result.message, EXPECTED, f"look at {answer.host}")
    elif all(layer.state == PRESENT and not texts(layer, "warnings") for layer in answer.layers):
        yield ok(name, f"{answer.host} has nothing that a takeover would refuse")


def _called(name: str) -> str:
    return f"survey of {name}"


def _parts(host: str, layer: Layer, text: str) -> tuple[str, str, str]:
    """Found, expected, remedy: a survey's text has its remedy after the last semicolon."""
    actual, _, remedy = text.rpartition("; ")
    return (f"{layer.layer}: {actual or text}", EXPECTED, remedy if actual else f"mend that on {host}")
