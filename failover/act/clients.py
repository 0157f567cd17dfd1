"""A client brought over to the target. One client never decides over the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

from failover.act.context import Crew, expected
from failover.deadline import Deadline, until
from failover.hosts import specs
from failover.hosts.hook_runner import HookRunner
from failover.hosts.ssh import Silent, wait_until_answers
from failover.model.host.host_spec import ClientDocument
from failover.model.outcome import ClientLeft, ClientSilent, Failed, FailoverError
from failover.model.site import Client
from failover.plan.model import Step
from failover.runs.events import REBOOTED

_REBOOTS = 256  # at the same time; a thread only waits for its host


async def bring_over(crew: Crew, step: Step, begun: Callable[[], None] = lambda: None) -> str:
    """Point one client at the target; reboot it when that is the chosen way. `begun`: the login is through.

    Raises ClientLeft, whatever goes wrong on it: one client never decides over the others.
    """
    try:
        return await _moved(crew, step, begun)
    except Silent as error:
        raise ClientSilent(str(error), "bring it over once it answers") from error
    except FailoverError as error:
        raise ClientLeft(error.reason, error.remedy) from error
    except Exception as error:  # a defect of this program: it must not cost the other clients their service
        raise ClientLeft(f"{step.subject}: {type(error).__name__}: {error}", "report this") from error


async def _moved(crew: Crew, step: Step, begun: Callable[[], None]) -> str:
    client = crew.client(step.subject)
    host = crew.hosts.of_client(client, crew.stack, crew.observation.target)
    spec = _client_spec(crew, client)
    await host.ssh.opened()
    begun()
    # twice: the hooks may first wait for another run on the host (hooks/host/lock.py), then do their own
    applied = await host.answer("apply", spec, 2 * crew.site.deadlines.client + 30)
    crew.evidence.record_report(step, applied)
    if applied.reboot_required:
        rebooting = partial(_reboot, crew, host, spec)
        return await asyncio.get_running_loop().run_in_executor(_threads(), rebooting)
    return expected(applied).message


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_REBOOTS, thread_name_prefix="reboot")


def _reboot(crew: Crew, host: HookRunner, spec: ClientDocument) -> str:
    before = host.ssh.boot_id()
    if not before:
        raise Failed(
            f"{host.ssh.name} has to be rebooted, and does not give its boot id",
            f"look at {host.ssh.name}, then run the same command again",
        )
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
    return f"{REBOOTED} {report.message}"


def _client_spec(crew: Crew, client: Client) -> ClientDocument:
    return specs.client_spec(
        client, crew.stack, crew.observation.target, crew.mode, crew.site.deadlines.client
    )
