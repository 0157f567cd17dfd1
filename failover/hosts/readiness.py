"""What a standby has beforehand, so that its takeover need not make it (hooks/probe/ready.py)."""

from __future__ import annotations

from collections.abc import Mapping

from failover.hosts import specs
from failover.hosts.hook_runner import HookRunner
from failover.hosts.ssh import Silent
from failover.model.host.hook_report import HookReport
from failover.model.host.host_spec import ServerDocument
from failover.model.outcome import FailoverError
from failover.model.stack_output import Stack
from hooks.contract.result import PRESENT


def make_ready(
    host: HookRunner,
    stack: Stack,
    deadline_seconds: float,
    learnt: Mapping[str, str] | None = None,
    announced: bool = False,
) -> HookReport | None:
    """Have this server, which holds no volume, keep hooks, spec and units; None while a portal is not known.

    `learnt`: UUIDs by mount point, for filesystems of which the spec has none. `announced`: this run takes
    over there in a while, and the server's own boot service waits for it (hooks/host/taker.py).
    Raises Silent, Unknown and Failed.
    """
    spec = document(stack, deadline_seconds, learnt)
    return host.hooks("announce" if announced else "ready", spec, deadline_seconds) if spec else None


def document(
    stack: Stack, deadline_seconds: float, learnt: Mapping[str, str] | None = None
) -> ServerDocument | None:
    """What it is to hold ready; None while a portal is not known. `learnt`: as in make_ready."""
    spec = specs.with_uuids(specs.server_spec(stack, {}, deadline_seconds), learnt)
    # all volumes: its boot service would take a spec without one of them for the whole site
    complete = specs.whole(stack, spec) and len(spec["volumes"]) == len(stack.spec["volumes"])
    return spec if complete else None


def tried(
    host: HookRunner,
    stack: Stack,
    deadline_seconds: float,
    learnt: Mapping[str, str] | None = None,
    announced: bool = False,
) -> str:
    """The same for a run, which goes on without it: what it came to, in a sentence."""
    try:
        return describe(make_ready(host, stack, deadline_seconds, learnt, announced))
    except (Silent, FailoverError) as error:
        return f"not made ready: {error}"


def describe(report: HookReport | None) -> str:
    """In a sentence; what is not there costs the takeover some seconds."""
    if report is None:
        return "not made ready: the portal of a volume is not known"
    if not report.layers and not report.ok:
        return f"not made ready: {report.result.message}"
    there = [layer.layer for layer in report.layers if layer.state == PRESENT]
    lacking = [f"{layer.layer} ({layer.message})" for layer in report.layers if layer.state != PRESENT]
    text = f"ready: {', '.join(there)}" if there else "nothing to hold ready"
    return f"{text}; left to the takeover: {', '.join(lacking)}" if lacking else text
