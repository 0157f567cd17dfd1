"""The verb `clients`: list, check, bring over, migrate, or let follow those clients that a list means."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from failover.clients import choose, sources
from failover.clients.choose import Choice
from failover.clients.sources import ClientSource
from failover.command import reported
from failover.command.choices import chosen_site, stack_runner
from failover.command.guarded import guarded
from failover.command.request import Request, SiteChoice
from failover.model import nodeset
from failover.model.outcome import Outcome, Refused, Usage
from failover.model.site import ClientMode, Site
from failover.model.stack_output import Stack
from failover.prompt import typed
from failover.report.report import Report
from failover.runs import history
from failover.runs.site_lock import site_lock
from failover.stack.runner import StackRunner
from failover.verbs import failover as verb
from failover.verbs import preflight

ACTIONS = ("list", "check", "run", "migrate", "follow")
AUTO, NONE = "auto", "none"
FOLLOW = ("on", "off", "status")


@dataclass(frozen=True)
class Arguments:
    """What the command line asks for. `clients`: with `run`, how: auto, remount, reboot or none.

    `back`: with `migrate`, from the service's address to the active server's own name. `resume_slurm`: with
    `run`, resume Slurm's nodes afterwards that were drained for a mount that is right again. `follow`: with
    `follow`, on, off or status; empty where none was chosen.
    """

    action: str
    site: SiteChoice
    source: ClientSource
    clients: str = AUTO
    yes: bool = False
    json: bool = False
    back: bool = False
    resume_slurm: bool = False
    follow: str = ""


def main(arguments: Arguments) -> int:
    """Do it; the exit code of the README's table."""
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    if arguments.action == "run":
        return guarded_run(arguments, console)
    code = [0]

    def act() -> None:
        """Raises Usage, and what the action raises."""
        if arguments.action not in ACTIONS:
            raise Usage(f"clients {arguments.action}: expected {', '.join(ACTIONS)}", "choose one of them")
        _refuse_options(arguments)
        sources.check(arguments.source)
        actions = {"list": _list, "check": _check, "migrate": _migrate, "follow": _follow}
        code[0] = actions[arguments.action](arguments, console)

    return guarded(act) or code[0]


def _refuse_options(arguments: Arguments) -> None:
    if arguments.back and arguments.action != "migrate":
        raise Usage(f"clients {arguments.action}: --back goes with migrate", "leave it out")
    if arguments.resume_slurm and (arguments.action != "run" or arguments.clients == NONE):
        raise Usage("--resume-slurm goes with run, and not with --clients none", "leave it out")
    if arguments.follow and arguments.action != "follow":
        raise Usage(f"clients {arguments.action}: --on, --off and --status go with follow", "leave them out")
    if arguments.action == "follow" and arguments.follow not in FOLLOW:
        given = f"found {arguments.follow}" if arguments.follow else "none is given"
        raise Usage(f"clients follow: expected one of --on, --off and --status; {given}", "choose one")


def _chosen(arguments: Arguments) -> tuple[Site, StackRunner, Stack, Choice]:
    """The cheap sources are read before anything is looked up."""
    named = sources.local(arguments.source)
    site = chosen_site(arguments.site)
    runner = stack_runner(site)
    runner.init()
    stack = runner.read()
    if named is None and arguments.source.given:
        from failover import ports  # noqa: PLC0415 - the SDK and asyncssh take a second to import

        with ports.opened(site, runner) as doors:
            named = sources.remote(arguments.source, doors, stack)
    if named is None:
        return site, runner, stack, Choice(site.clients, (), (), ())
    return site, runner, stack, choose.choose(site.clients, named)


def _list(arguments: Arguments, console: Console) -> int:
    site, _, stack, choice = _chosen(arguments)
    rows: dict[str, Any] = {
        "active": stack.active,
        "clients": [c.name for c in choice.clients],
        "strangers": [one.name for one in choice.strangers],
        "named_twice": [one.name for one in choice.twice],
        "left_out": [c.name for c in choice.left],
    }
    groups = nodeset.grouped(
        (c.name, ", ".join(f"{m.path} at {m.mount}" for m in c.mounts)) for c in choice.clients
    )
    for names, mounts in groups:
        console.print(f"{len(names)} clients: {nodeset.folded(names)}: {mounts}", markup=False)
    for line in choice.notes:
        console.print(f"note: {line}", markup=False)
    if choice.strangers:
        strangers = nodeset.folded(one.name for one in choice.strangers)
        remedy = "`./inv adopt --clients FILE` finds their mounts and writes them"
        text = f"{len(choice.strangers)} hosts are not in {site.file.name}: {strangers}; {remedy}"
        console.print(text, markup=False)
    if arguments.json:
        sys.stdout.write(json.dumps(rows) + "\n")
    sys.stdout.flush()
    return 0


def _check(arguments: Arguments, console: Console) -> int:
    start = time.monotonic()
    site, runner, stack, choice = _chosen(arguments)
    choose.refuse_strangers(choice)
    choose.refuse_none(choice)
    from failover import ports  # noqa: PLC0415 - as above
    from failover.act import progress  # noqa: PLC0415
    from failover.clients import judge  # noqa: PLC0415
    from failover.preflight.check import outcome  # noqa: PLC0415

    report = preflight.PreflightReport(stack.active, stack.active)
    shown = progress.Progress(console)
    with ports.opened(replace(site, clients=choice.clients), runner) as doors:
        statuses = doors.observer.clients(
            stack, stack.active, ClientMode.REMOUNT, shown.checked(len(choice.clients))
        )
    report.checks = judge.judge(statuses)
    report.outcome, report.seconds = outcome(report.checks), time.monotonic() - start
    for line in choice.notes:
        console.print(f"note: {line}", markup=False)
    console.print(preflight.table(report.checks))
    word = {Outcome.DONE: "could be brought over", Outcome.REFUSED: "could NOT all be brought over"}
    text = word.get(report.outcome, "whether they could be brought over is not known")
    console.print(f"{len(statuses)} clients: {text} ({report.seconds:.1f} s)", markup=False)
    if arguments.json:
        sys.stdout.write(json.dumps(report.document()) + "\n")
    sys.stdout.flush()
    return report.outcome.exit_code


def _migrate(arguments: Arguments, console: Console) -> int:
    """Foresee, show, ask, migrate, show; under the site's lock, because a failover edits the same lines."""
    start = time.monotonic()
    site, runner, stack, choice = _chosen(arguments)
    choose.refuse_strangers(choice)
    choose.refuse_none(choice)
    from failover import ports  # noqa: PLC0415 - as above
    from failover.act import progress  # noqa: PLC0415
    from failover.clients import shown  # noqa: PLC0415
    from failover.clients.migration import Migration, MigrationResult  # noqa: PLC0415

    def say(text: str) -> None:
        console.print(text, markup=False)

    for line in choice.notes:
        say(f"note: {line}")
    checked = progress.Progress(console).checked(len(choice.clients))
    with site_lock(site.runs), ports.opened(replace(site, clients=choice.clients), runner) as doors:
        migration = Migration(doors, stack, choice.clients, arguments.back)
        prospects = migration.foresee(checked)
        for line in shown.before(prospects, migration.to):
            say(line)
        ready = [one for one in prospects if one.ready]
        if ready and not arguments.yes:
            _confirm(f"{len(ready)} clients are migrated to {migration.to}", migration.to)
        result: MigrationResult = migration.run(prospects, say)
    for line in shown.after(result):
        say(line)
    _remember(site, result.outcome, time.monotonic() - start, result.document(), say)
    if arguments.json:
        sys.stdout.write(json.dumps(result.document()) + "\n")
    sys.stdout.flush()
    return result.outcome.exit_code


def _follow(arguments: Arguments, console: Console) -> int:
    """Show who follows by itself; or ask, and put the unit on, or take it away, under the site's lock."""
    site, runner, stack, choice = _chosen(arguments)
    choose.refuse_strangers(choice)
    choose.refuse_none(choice)
    from failover import ports  # noqa: PLC0415 - as above
    from failover.act import progress  # noqa: PLC0415
    from failover.clients import following  # noqa: PLC0415

    for line in choice.notes:
        console.print(f"note: {line}", markup=False)
    site = replace(site, clients=choice.clients)
    ended = progress.Progress(console).checked(len(choice.clients))
    if arguments.follow == "status":
        with ports.opened(site, runner) as doors:
            statuses = doors.observer.clients(stack, stack.active, ClientMode.REMOUNT, ended)
        states = following.shown(statuses)
        for names, state in nodeset.grouped(states.items()):
            console.print(f"{nodeset.folded(names)}: {state}", markup=False)
        document: dict[str, Any] = {"clients": states}
        code = Outcome.CLIENTS_LEFT.exit_code if "not reached" in states.values() else 0
    else:
        count = len(choice.clients)
        if not arguments.yes:
            what = "follow the service by themselves" if arguments.follow == "on" else "no longer do so"
            _confirm(f"{count} clients {what}", arguments.follow)
        action = following.ON if arguments.follow == "on" else following.OFF
        with site_lock(site.runs), ports.opened(site, runner) as doors:
            result = following.switch(doors, stack, choice.clients, action, ended)
        for line in result.lines():
            console.print(line, markup=False)
        document, code = result.document(), result.outcome.exit_code
    if arguments.json:
        sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
    return code


def _confirm(what: str, word: str) -> None:
    if not sys.stdin.isatty():
        raise Usage("this cannot be confirmed: there is no terminal", "add --yes, or use a terminal")
    if typed(f"{what}. Type {word} to go on: ") != word:
        raise Refused("not confirmed; nothing was changed", "")


def _remember(
    site: Site, outcome: Outcome, seconds: float, facts: dict[str, Any], say: Callable[[str], None]
) -> None:
    """Into the site's history; a disk that is full does not change what was done."""
    entry = history.Entry(history.Kind.MIGRATION, datetime.now(UTC), outcome.value, seconds, facts)
    try:
        history.append(site.runs, entry)
    except OSError as error:
        say(f"note: the history could not be written: {error}")


def guarded_run(arguments: Arguments, console: Console) -> int:
    """Bring over those that are left. `auto`: by remount, then those that it did not cure by reboot."""
    names: list[tuple[str, ...]] = []
    active: list[str] = []
    sites: list[Site] = []
    reports: list[Report] = []

    def act() -> None:
        """Raises Usage, Refused, and what the run raises."""
        if arguments.clients not in (AUTO, NONE, *ClientMode):
            expected = ", ".join((AUTO, *ClientMode, NONE))
            raise Usage(f"--clients {arguments.clients}: expected {expected}", "choose one of them")
        _refuse_options(arguments)
        sources.check(arguments.source)
        site, _, stack, choice = _chosen(arguments)
        choose.refuse_strangers(choice)
        choose.refuse_none(choice)
        for line in choice.notes:
            console.print(f"note: {line}", markup=False)
        names.append(tuple(c.name for c in choice.clients))
        active.append(stack.active)
        sites.append(replace(site, clients=choice.clients))

    def fail_over(request: Request, shown: Console) -> Report:
        reports.append(verb.fail_over(request, shown))
        return reports[-1]

    if code := guarded(act):
        return code
    mode = ClientMode.REBOOT if arguments.clients == ClientMode.REBOOT else ClientMode.REMOUNT
    request = Request(
        active[0],
        arguments.site,
        mode,
        yes=arguments.yes,
        dry_run=arguments.clients == NONE,
        only_clients=names[0],
    )
    code = reported.main(lambda shown: fail_over(request, shown), arguments.json)
    if code == Outcome.CLIENTS_LEFT.exit_code and arguments.clients == AUTO:
        console.print("clients are left: those that answer are rebooted now (--clients auto)", markup=False)
        again = replace(request, clients=ClientMode.REBOOT)
        code = reported.main(lambda shown: fail_over(again, shown), arguments.json)
    if arguments.resume_slurm and reports[-1].outcome in _VERIFIED:
        shown = Console(
            soft_wrap=True, highlight=False, emoji=False, stderr=arguments.json
        )  # the report stays last
        return guarded(lambda: _resume_slurm(sites[0], reports[-1], shown)) or code
    return code


_VERIFIED = (Outcome.DONE, Outcome.NOTHING_TO_DO, Outcome.CLIENTS_LEFT)


def _resume_slurm(site: Site, report: Report, console: Console) -> None:
    """Of those clients alone that this run has just verified."""
    from failover.clients import slurm  # noqa: PLC0415 - as above

    right = {finding.subject for finding in report.findings if finding.ok}
    clients = [client for client in site.clients if f"client {client.name}" in right]
    for line in slurm.resume(slurm.Slurm(), site.runs, clients):
        console.print(line, markup=False)
