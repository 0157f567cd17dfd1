"""A client brought over to the target. One client never decides over the others."""

from __future__ import annotations

from failover.act.context import Crew, expected
from failover.deadline import Deadline, until
from failover.hosts import specs
from failover.hosts.hook_runner import HookRunner
from failover.hosts.ssh import Silent, wait_until_answers
from failover.model.host_spec import ClientDocument
from failover.model.outcome import ClientLeft, Failed, FailoverError
from failover.model.site import Client
from failover.plan.model import Step


def bring_over(crew: Crew, step: Step) -> str:
    """Point one client at the target; reboot it when that is the chosen way.

    Raises ClientLeft, whatever goes wrong on it: one client never decides over the others.
    """
    try:
        return _moved(crew, step)
    except Silent as error:
        raise ClientLeft(str(error), "bring it over once it answers") from error
    except FailoverError as error:
        raise ClientLeft(error.reason, error.remedy) from error
    except Exception as error:  # a defect of this program: it must not cost the other clients their service
        raise ClientLeft(f"{step.subject}: {type(error).__name__}: {error}", "report this") from error


def _moved(crew: Crew, step: Step) -> str:
    client = next(c for c in crew.site.clients if c.name == step.subject)
    host = crew.hosts.at(client.name, client.address)
    spec = _client_spec(crew, client)
    applied = crew.evidence.record_report(step, host.hooks("apply", spec, crew.site.deadlines.client))
    if applied.reboot_required:
        return _reboot(crew, host, spec)
    return expected(applied).message


def _reboot(crew: Crew, host: HookRunner, spec: ClientDocument) -> str:
    before = host.ssh.boot_id()
    host.reboot()
    deadline = Deadline(crew.site.deadlines.client_reboot)
    wait_until_answers(host.ssh, deadline.left, not_boot=before)
    report = until(
        lambda: host.hooks("check", spec, crew.site.deadlines.client), lambda r: r.present, deadline.left
    )
    if not report.present:
        raise Failed(
            f"{host.ssh.name} rebooted, but: {report.complaint}",
            "look at its mount, then run the same command again",
        )
    return f"rebooted; {report.message}"


def _client_spec(crew: Crew, client: Client) -> ClientDocument:
    return specs.client_spec(client, crew.stack, crew.seen.target, crew.mode, crew.site.deadlines.client)
