"""The takeover on the target: by the hooks over SSH, or by its own boot service."""

from __future__ import annotations

from failover.act.context import Crew, expected
from failover.deadline import until
from failover.hosts import specs
from failover.model.outcome import Unknown
from failover.model.stack_output import Server
from failover.plan.model import Step


def take_over(crew: Crew, step: Step) -> str:
    """iSCSI, LVM, filesystem, exports on the target, by the hooks."""
    server = crew.server(step.subject)
    if not crew.site.ssh.reach:
        return _await_service(crew, server)
    spec = specs.server_spec(crew.stack, crew.held(server), crew.site.deadlines.hooks)
    if started := crew.started_hooks(server):
        applied = started.answer(spec)
    else:
        applied = crew.host(server).hooks("apply", spec, crew.site.deadlines.hooks)
    return expected(crew.evidence.record_report(step, applied)).message


def _await_service(crew: Crew, server: Server) -> str:
    """The server's own boot service does it; believed when its console names these very attachments."""
    held = crew.held(server)
    seconds = crew.site.deadlines.hooks
    if not until(lambda: crew.observer.in_service(server, held), bool, seconds):
        raise Unknown(
            f"{server.name} has the volumes, but its console does not say within {seconds:.0f} s "
            "that it serves them",
            f"look at {server.name}'s console, and run `./inv verify` on a machine that reaches it",
        )
    return "its boot service brought the volumes up, by its console"
