"""What a takeover would refuse or lose, judged beforehand by the hooks on both servers (hooks/survey/)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from failover.hosts import specs
from failover.hosts.hook_runner import HookRunner
from failover.model.attachments import Attachment
from failover.model.host.hook_report import HookReport
from failover.model.outcome import Refused
from failover.model.stack_output import Stack
from hooks.contract.result import Layer

SECONDS = 60.0  # the survey's own deadline on the host; it only reads
_NONE = str([])  # the addresses of a name that has none


def name_refusals(old: HookReport | None, new: HookReport) -> Iterator[tuple[str, str, str]]:
    """Found, expected and remedy for each client that only the active server knows by name (its /etc/hosts).

    exportfs(8) leaves such a client out with a warning, and serves the others.
    """
    for name in unknown_clients(old, new):
        yield (
            f"nfs: exports name {name}, which has an address on {old.host if old else ''} alone",
            f"a name that {new.host} can look up",
            f"enter {name} in /etc/hosts of {new.host} and of its image, or in DNS, or export by address",
        )


def unknown_clients(old: HookReport | None, new: HookReport) -> list[str]:
    """Names of clients with an address on the old server and none on the new one."""
    before, after = (facts(answer, "clients") for answer in (old, new))
    return [name for name, address in before.items() if address != _NONE and after.get(name) == _NONE]


def uuids(answer: HookReport | None) -> dict[str, str]:
    """The filesystems' UUIDs by mount point, as the server that holds them has them."""
    return facts(answer, "uuids")


def facts(answer: HookReport | None, name: str) -> dict[str, str]:
    """One fact of every layer that has it, merged; empty without an answer."""
    by_layer = [layer.facts[name] for layer in answer.layers if name in layer.facts] if answer else []
    return {str(k): str(v) for facts in by_layer if isinstance(facts, dict) for k, v in facts.items()}


def refuse(
    host: HookRunner,
    stack: Stack,
    held: Mapping[str, Attachment],
    deadline_seconds: float,
    old: Callable[[], HookReport | None] = lambda: None,
) -> None:
    """Raise Refused when this server, which could not be surveyed earlier, would refuse the volumes.

    `old`: surveys the server that serves now; None where it does not answer. It is asked only when the new
    server has no address for a client's name.
    """
    report = ask(host, stack, held, deadline_seconds)
    refusals = [text for layer in report.layers for text in texts(layer, "refusals")] if report else []
    if report and _NONE in facts(report, "clients").values():  # else the old server has nothing to add
        refusals += [f"{why}; {remedy}" for why, _, remedy in name_refusals(old(), report)]
    if refusals:
        raise Refused(
            f"{host.ssh.name} would refuse the volumes: {'; '.join(refusals)}",
            f"mend that on {host.ssh.name}, then run the same command again",
        )


def ask(
    host: HookRunner,
    stack: Stack,
    held: Mapping[str, Attachment],
    deadline_seconds: float,
    learnt: Mapping[str, str] | None = None,
) -> HookReport | None:
    """The survey of one server that holds these volumes; None while no portal is known at all.

    `learnt`: UUIDs by mount point, for filesystems of which the spec has none.
    """
    seconds = min(SECONDS, deadline_seconds)
    spec = specs.with_uuids(specs.server_spec(stack, held, seconds), learnt)
    if not specs.whole(stack, spec):
        return None
    return host.hooks("survey", spec, seconds)


def texts(layer: Layer, kind: str) -> list[str]:
    """The `refusals` or `warnings` of one layer of a survey."""
    values = layer.facts.get(kind, [])
    return [str(text) for text in values] if isinstance(values, list) else []
