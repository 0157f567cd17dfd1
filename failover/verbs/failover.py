"""The verbs that look at a site: the cheap refusals first, the work under the site's lock, the report."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from failover.checkout import commit as commits
from failover.checkout import request as checkouts
from failover.checkout.origin import CLI, GITOPS, Door
from failover.cloud.endpoint import check_endpoint
from failover.model.outcome import FailoverError, Usage
from failover.report.report import Report
from failover.runs.site_lock import site_lock
from failover.stack.runner import StackRunner
from failover.verbs.choices import checked_mode, checked_target, opened
from failover.verbs.reported import reported


def fail_over(
    target: str | None,
    site_file: str | None,
    console: Console,
    *,
    clients: str,
    yes: bool,
    dry_run: bool,
    unplanned: bool = False,
    take_over: bool = False,
    via: str = "",
    stack_id: str = "",
    door: str = CLI,
    commit: bool = False,
    changes: bool = False,
) -> Report:
    """Make `target` the active server. Never raises FailoverError: it is the report's outcome.

    `target` None: the one that active.auto.tfvars of the checkout names, unless that would undo a newer
    switch. `commit`: make the commit of that file afterwards. `changes`: ask Terraform what it would change.
    """

    def act(report: Report) -> None:
        checked_mode(clients)
        site, terraform = opened(report, site_file, via, stack_id)
        asked = None if target else checkouts.read(_active_file(terraform))
        report.target = checked_target(asked.server if asked else target, terraform)
        if commit:
            commits.refuse_unless_possible(_active_file(terraform))
        check_endpoint(site)
        with site_lock(site.runs, take_over) as lock:
            # The SDK and asyncssh take a second to import: not before the cheap refusals are through.
            from failover.flow.flow import Flow, Options  # noqa: PLC0415

            options = Options(clients, yes, dry_run, unplanned, Door(door, asked))
            Flow(site, terraform, options, report, console, lock.assert_held).run()
            if changes:
                _ask_terraform(report, terraform)
        if not dry_run and asked is None:
            _keep_git_in_step(report, terraform, commit)

    return reported(Report(target or "", "plan" if dry_run else "failover"), act)


def apply(
    site_file: str | None, console: Console, *, clients: str, via: str = "", stack_id: str = ""
) -> Report:
    """What a merge runs: `fail_over` to the server that the checkout names, without a question."""
    return fail_over(
        None,
        site_file,
        console,
        clients=clients,
        yes=True,
        dry_run=False,
        via=via,
        stack_id=stack_id,
        door=GITOPS,
    )


def _ask_terraform(report: Report, terraform: StackRunner) -> None:
    # Only looked at, so the stack's own fence, which the run will bring about, is not asked for.
    asked = {"active_server": report.target, "fence": "storage"}
    try:
        made = terraform.plan(asked)
    except FailoverError as error:
        report.notes += (f"Terraform does not plan it as things stand: {error.reason}",)
        return
    terraform.discard(made)
    report.changes = made.changes


def _keep_git_in_step(report: Report, terraform: StackRunner, commit: bool) -> None:
    if terraform.active_file is None:  # the stack's variable in Resource Manager is the record
        return
    told = (commits.make if commit else commits.suggestion)(terraform.active_file, report.target, report.run)
    report.notes += (told,) if told else ()


def _active_file(terraform: StackRunner) -> Path:
    """Where a checkout says who is active; raises Usage when the site has none."""
    if terraform.active_file is None:
        raise Usage(
            "no checkout is known: the stack in Resource Manager has no active.auto.tfvars",
            "name the server with --active, or set [terraform] directory in the site beside stack_id",
        )
    return terraform.active_file
