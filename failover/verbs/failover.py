"""The verbs that look at a site: the cheap refusals first, the work under the site's lock, the report."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from failover.checkout import commit as commits
from failover.checkout import request as checkouts
from failover.checkout.origin import CLI, GITOPS, Door
from failover.model.outcome import FailoverError, Outcome, Unknown, Usage
from failover.model.site import Site
from failover.report import report as terminal
from failover.report.report import Report
from failover.report.write import keep
from failover.runs.site_lock import site_lock
from failover.stack import choose as vias
from failover.stack.runner import StackRunner
from failover.verbs import site_file as sites
from failover.verbs.unexpected import as_unknown

MODES = ("remount", "reboot")


def main(action: Callable[[Console], Report], as_json: bool) -> int:
    """Run `action`, show its report (and print it as JSON on the last line), return the exit code."""
    console = Console(soft_wrap=True, highlight=False)
    report = action(console)
    terminal.show(report, console)
    keep(report, console)
    if as_json:
        sys.stdout.write(json.dumps(report.document()) + "\n")
    sys.stdout.flush()
    return report.outcome.exit_code


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
        _checked_mode(clients)
        site, terraform = _site(report, site_file, via, stack_id)
        asked = None if target else checkouts.read(_active_file(terraform))
        report.target = _checked_target(asked.server if asked else target, terraform)
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

    return _reported(Report(target or "", "plan" if dry_run else "failover"), act)


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


def verify(
    target: str | None, site_file: str | None, console: Console, *, via: str = "", stack_id: str = ""
) -> Report:
    """Look at everything afresh and change nothing; `target` None: the server that is active by Terraform."""

    def act(report: Report) -> None:
        site, terraform = _site(report, site_file, via, stack_id)
        report.target = _checked_target(target, terraform)
        check_endpoint(site)
        with site_lock(site.runs):
            from failover.act import progress  # noqa: PLC0415 - as above
            from failover.flow.inspection import Inspection  # noqa: PLC0415

            inspection = Inspection(site, terraform, MODES[0], report, progress.Progress(console))
            try:
                seen = inspection.timed("observe", inspection.observe)
                inspection.timed("verify", lambda: inspection.verify(seen))
            finally:
                inspection.close()
        report.outcome = Outcome.DONE

    return _reported(Report(target or "", "verify"), act)


def _reported(report: Report, act: Callable[[Report], None]) -> Report:
    start = time.monotonic()
    try:
        act(report)
    except FailoverError as error:
        report.ended(error)
    except KeyboardInterrupt:
        report.outcome = Outcome.UNKNOWN
        report.reason = "interrupted; the steps under way were let finish"
        report.remedy = "run the same command again: it goes on from what it finds"
    except Exception as error:  # noqa: BLE001 - the one place: no library's exception reaches the terminal
        report.ended(as_unknown(error, report.folder or report.runs))
    report.seconds = time.monotonic() - start
    return report


def _site(report: Report, site_file: str | None, via: str, stack_id: str) -> tuple[Site, StackRunner]:
    site = vias.chosen(sites.load(site_file), via, stack_id)
    report.runs = site.runs
    if site.terraform.stack_id:  # even the target's name is looked up there
        check_endpoint(site)
    return site, vias.runner(site)


def _checked_mode(clients: str) -> None:
    if clients not in MODES:
        raise Usage(f"--clients {clients}: expected {' or '.join(MODES)}", "choose one of them")


def _checked_target(target: str | None, terraform: StackRunner) -> str:
    terraform.init()
    stack = terraform.read()
    if target is None:
        return stack.active
    if target not in stack.servers:
        raise Usage(
            f"{target!r} is no server of this stack",
            f"known servers: {', '.join(stack.servers)}; add others to `servers`",
        )
    return target


def check_endpoint(site: Site) -> None:
    """A cloud that is not there is told apart in milliseconds, before the SDK is loaded."""
    where = urlsplit(site.cloud.endpoint)
    if not where.hostname:
        return
    try:
        socket.create_connection((where.hostname, where.port or 443), timeout=10).close()
    except OSError as error:
        raise Unknown(
            f"the OCI endpoint {site.cloud.endpoint} does not answer: {error}",
            "check [oci] endpoint in the site; for the lab: `./inv lab.up`",
        ) from error
