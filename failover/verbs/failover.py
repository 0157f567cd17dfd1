"""The verbs that look at a site: the cheap refusals first, the work under the site's lock, the report."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from failover.checkout import commit as commits
from failover.checkout import request as checkouts
from failover.checkout.origin import GITOPS, Door
from failover.cloud.endpoint import check_endpoint
from failover.command.choices import (
    checked_copy,
    checked_hold,
    checked_mode,
    checked_target,
    chosen_site,
    stack_runner,
)
from failover.command.reported import reported
from failover.command.request import Request, SiteChoice
from failover.model.outcome import FailoverError, Usage
from failover.report.report import Report
from failover.runs import hold
from failover.runs.site_lock import site_lock
from failover.stack.runner import StackRunner

if TYPE_CHECKING:
    from failover.ports import Ports


def fail_over(request: Request, console: Console) -> Report:
    """Make the target the active server. Never raises FailoverError: it is the report's outcome.

    A target that the checkout names is refused where it would undo a newer switch.
    """

    def act(report: Report) -> None:
        clients, copy = checked_mode(request.clients), checked_copy(request.copy)
        seconds = checked_hold(request.hold)
        site = chosen_site(request.site)
        report.runs = site.runs
        runner = stack_runner(site)
        if request.rollback:
            report.target = hold.to_roll_back(site.runs, datetime.now(UTC)).server
        settled = request.target or report.target
        named = None if settled else checkouts.read(_active_file(runner))
        mend = None if request.dry_run else lambda text: console.print(text, markup=False)
        report.target = checked_target(named.server if named else settled, runner, mend)
        if request.commit:
            commits.refuse_unless_possible(_active_file(runner))
        check_endpoint(site)
        if request.only_clients is not None:
            only = set(request.only_clients)
            site = replace(site, clients=tuple(c for c in site.clients if c.name in only))
        with site_lock(site.runs, request.take_over) as lock:
            # The SDK and asyncssh take a second to import: not before the cheap refusals are through.
            from failover import ports  # noqa: PLC0415
            from failover.flow.flow import Flow, Options  # noqa: PLC0415

            options = Options(
                report.target,
                clients,
                request.yes,
                request.dry_run,
                request.unplanned,
                copy,
                Door(request.door, named),
                only_clients=request.only_clients is not None,
                hold=seconds,
                rollback=request.rollback,
                volumes_from=request.volumes_from,
                accept_loss=request.accept_loss,
            )
            with ports.opened(site, runner) as doors:
                proof = _proof(doors, report, console, request.yes) if request.rollback else nullcontext()
                with proof:
                    Flow(doors, options, report, console, lock.assert_held).run()
            if request.changes:
                _ask_terraform(report, runner)
        if not request.dry_run and named is None and request.only_clients is None:
            _keep_git_in_step(report, runner, request.commit)

    verb = "rollback" if request.rollback else "plan" if request.dry_run else "failover"
    return reported(Report(request.target or "", verb), act)


def apply(site: SiteChoice, console: Console, *, clients: str) -> Report:
    """What a merge runs: `fail_over` to the server that the checkout names, without a question."""
    return fail_over(Request(None, site, clients, yes=True, door=GITOPS), console)


def _proof(doors: Ports, report: Report, console: Console, yes: bool) -> AbstractContextManager[None]:
    """Around a rollback: its target is healthy, and is off again where the run ends before it acts."""
    from failover.standby import rollback  # noqa: PLC0415 - as the flow

    if not yes and not sys.stdin.isatty():
        raise Usage("the plan cannot be confirmed: there is no terminal", "add --yes, or use a terminal")
    return rollback.proven(
        doors,
        hold.to_roll_back(doors.site.runs, datetime.now(UTC)),
        lambda text: console.print(text, markup=False),
        lambda: report.folder is not None,
    )


def _ask_terraform(report: Report, runner: StackRunner) -> None:
    # The plan is not applied, so the stack's own fence, which the run brings about, need not hold yet.
    variables = {"active_server": report.target, "fence": "storage"}
    try:
        made = runner.plan(variables)
    except FailoverError as error:
        report.notes += (f"Terraform does not plan it as things stand: {error.reason}",)
        return
    runner.discard(made)
    report.changes = made.changes


def _keep_git_in_step(report: Report, runner: StackRunner, commit: bool) -> None:
    if runner.active_file is None:  # the stack's variable in Resource Manager is the record
        return
    note = (commits.make if commit else commits.suggestion)(runner.active_file, report.target, report.run)
    report.notes += (note,) if note else ()


def _active_file(runner: StackRunner) -> Path:
    """Where a checkout says who is active; raises Usage when the site has none."""
    if runner.active_file is None:
        raise Usage(
            "no checkout is known: the stack in Resource Manager has no active.auto.tfvars",
            "name the server with --active, or set [terraform] directory in the site beside stack_id",
        )
    return runner.active_file
