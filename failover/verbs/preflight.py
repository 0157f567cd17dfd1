"""The verb `preflight`: gathers the ground, runs every check, shows a table, returns the exit code."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from failover.cloud import endpoint
from failover.command import site_file as sites
from failover.command.request import SiteChoice
from failover.command.unexpected import as_unknown
from failover.model.outcome import FailoverError, Outcome, Usage
from failover.model.site import Site
from failover.preflight.check import Check, CheckResult, of, outcome
from failover.runs import history
from failover.stack import choose as vias

_STYLES = {
    CheckResult.OK: "green",
    CheckResult.WARNING: "yellow",
    CheckResult.BLOCKING: "red",
    CheckResult.UNKNOWN: "magenta",
}


@dataclass
class PreflightReport:
    """What preflight came to. `untested`: calls of a run that cannot be tried without acting.

    `image`: what the image was found to lack, for `status`: "id", "outcome", "drift"; empty: not compared.
    """

    target: str | None
    active: str | None = None
    outcome: Outcome = Outcome.UNKNOWN
    reason: str = ""
    remedy: str = ""
    checks: tuple[Check, ...] = ()
    untested: tuple[str, ...] = ()
    seconds: float = 0.0
    image: Mapping[str, str] = field(default_factory=dict)

    def ended(self, error: FailoverError) -> None:
        """Take over how preflight ended, why, and what to do."""
        self.outcome, self.reason, self.remedy = error.outcome, error.reason, error.remedy

    def document(self) -> dict[str, Any]:
        """The report as JSON-ready values.

        "outcome", "target", "active", "reason" and "remedy" are texts, or None; "checks" as
        failover/preflight/check.py has them; "untested": a text for each operation; "seconds": wall time.
        """
        return {
            "outcome": self.outcome.value,
            "target": self.target,
            "active": self.active,
            "reason": self.reason,
            "remedy": self.remedy,
            "checks": [c.document() for c in self.checks],
            "untested": list(self.untested),
            "seconds": round(self.seconds, 3),
        }


def main(target: str | None, choice: SiteChoice, as_json: bool, terraform_plan: bool, canaries: bool) -> int:
    """Check, show, and return 0 when a failover would work, 3 when not, 5 when that is not known."""
    console = Console(highlight=False, emoji=False)
    report = check(target, choice, terraform_plan, canaries)
    show(report, console)
    if as_json:
        sys.stdout.write(json.dumps(report.document()) + "\n")
    sys.stdout.flush()
    return report.outcome.exit_code


def check(
    target: str | None, choice: SiteChoice, terraform_plan: bool, canaries: bool = True
) -> PreflightReport:
    """All checks. Never raises FailoverError: it is the report's outcome.

    `canaries`: at last, when all else was looked at, refresh them, and have a standby hold ready what its
    takeover needs: all that is written.
    """
    report = PreflightReport(target)
    start, runs_folder = time.monotonic(), None
    try:
        site = vias.chosen(sites.load(choice.file), choice.runner_name, choice.stack_id)
        runs_folder = site.runs
        endpoint.check_endpoint(site)
        _check(report, site, terraform_plan, canaries)
        report.seconds = time.monotonic() - start
        _remember(report, site.runs)
    except FailoverError as error:
        report.ended(error)
    except Exception as error:  # noqa: BLE001 - no library's exception reaches the terminal
        report.ended(as_unknown(error, runs_folder))
    report.seconds = time.monotonic() - start
    return report


def _remember(report: PreflightReport, runs: Path) -> None:
    """What it came to, into the site's history; a disk that is full does not change what was found."""
    facts = {
        "target": report.target,
        "active": report.active,
        "checks": {r.value: len(of(report.checks, r)) for r in CheckResult},
        "blocking": [one.name for one in of(report.checks, CheckResult.BLOCKING)],
        **({"image": dict(report.image)} if report.image else {}),
    }
    ended, outcome = datetime.now(UTC), report.outcome.value
    try:
        history.append(runs, history.Entry(history.Kind.PREFLIGHT, ended, outcome, report.seconds, facts))
    except OSError as error:
        print(f"the history could not be written: {error}", file=sys.stderr)


def _check(report: PreflightReport, site: Site, terraform_plan: bool, canaries: bool) -> None:
    # The SDK and asyncssh take a second to import: not before the cheap refusals are through.
    from failover import ports  # noqa: PLC0415
    from failover.preflight import catalogue, policies, runner  # noqa: PLC0415
    from failover.preflight.checks.cloud import image  # noqa: PLC0415
    from failover.preflight.context import Ground  # noqa: PLC0415

    terraform = vias.runner(site)
    terraform.init()
    stack = terraform.read()
    report.active = stack.active
    report.target = _target(report.target, stack.active, list(stack.servers))
    with ports.opened(site, terraform) as doors:
        ground = Ground(doors, stack, report.target)
        report.checks = runner.run(catalogue.alone(ground, terraform_plan), ground)
        if canaries:
            for writing in (catalogue.CANARIES, catalogue.READY):  # in turn: each takes the site's lock
                report.checks += runner.run((writing,), ground)
    report.image = image.remembered(ground.target, report.checks)
    operations = catalogue.acting(not ground.target.exists)
    report.untested = policies.untested(operations, stack.compartment_id)
    report.outcome = outcome(report.checks)


def _target(given: str | None, active: str, servers: list[str]) -> str:
    others = [s for s in servers if s != active]
    if given is None and len(others) == 1:
        return others[0]
    if given in servers:
        return given
    raise Usage(
        f"{given!r} is not a server of this stack" if given else "no target is named, and there are several",
        f"add --active with one of: {', '.join(servers)}",
    )


def show(report: PreflightReport, console: Console) -> None:
    """The table, then one line for a person."""
    if report.checks:
        console.print(table(report.checks))
    if report.untested:
        console.print("allowed or not shows only when it is done (docs/preflight.md):", markup=False)
        names = ", ".join(line.partition(":")[0] for line in report.untested)
        console.print(f"   {names}", markup=False)
    console.print(_ending(report), markup=False)
    if report.remedy:
        console.print(f"   remedy: {report.remedy}", markup=False)


def table(checks: tuple[Check, ...]) -> Table:
    """A row for each check."""
    made = Table(box=None, pad_edge=False)
    for column in ("outcome", "check", "actual", "remedy"):
        made.add_column(column, overflow="fold")
    for one in checks:
        row = (Text(one.name), Text(one.actual), Text(one.remedy))
        made.add_row(f"[{_STYLES[one.outcome]}]{one.outcome.value}[/]", *row)
    return made


def _ending(report: PreflightReport) -> str:
    if report.reason:
        return f"{report.outcome.value}: {report.reason}"
    counts = ", ".join(f"{len(of(report.checks, r))} {r.value}" for r in CheckResult if of(report.checks, r))
    message = {
        Outcome.DONE: f"a failover to {report.target} would work now",
        Outcome.REFUSED: f"a failover to {report.target} would NOT work now",
    }.get(report.outcome, f"whether a failover to {report.target} would work is not known")
    return f"{message} ({counts}; {report.seconds:.1f} s)"
