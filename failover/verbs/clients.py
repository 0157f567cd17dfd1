"""The verb `clients`: list, check, or bring over those of the site's clients that a list of hosts means."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console

from failover.clients import choose, sources
from failover.clients.choose import Choice
from failover.clients.sources import Source
from failover.model import nodeset
from failover.model.outcome import Outcome, Usage
from failover.model.site import ClientMode, Site
from failover.model.stack_output import Stack
from failover.report.report import Report
from failover.stack.runner import StackRunner
from failover.verbs import failover as verb
from failover.verbs import preflight, reported
from failover.verbs.choices import opened
from failover.verbs.guarded import guarded
from failover.verbs.request import Request, SiteChoice

ACTIONS = ("list", "check", "run")
AUTO, NONE = "auto", "none"


@dataclass(frozen=True)
class Arguments:
    """What the command line asks for. `clients`: with `run`, how: auto, remount, reboot or none."""

    action: str
    site: SiteChoice
    source: Source
    clients: str = AUTO
    yes: bool = False
    json: bool = False


def main(arguments: Arguments) -> int:
    """Do it; the exit code of the README's table."""
    console = Console(soft_wrap=True, highlight=False)
    if arguments.action == "run":
        return guarded_run(arguments, console)
    code = [0]

    def act() -> None:
        if arguments.action not in ACTIONS:
            raise Usage(f"clients {arguments.action}: expected {', '.join(ACTIONS)}", "choose one of them")
        sources.check(arguments.source)
        code[0] = (_list if arguments.action == "list" else _check)(arguments, console)

    return guarded(act) or code[0]


def _chosen(arguments: Arguments) -> tuple[Site, StackRunner, Stack, Choice]:
    """The cheap sources are read before anything is looked up."""
    named = sources.local(arguments.source)
    site, runner = opened(Report(""), arguments.site)
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
        found = doors.observer.clients(
            stack, stack.active, ClientMode.REMOUNT, shown.checked(len(choice.clients))
        )
    report.checks = judge.judge(found)
    report.outcome, report.seconds = outcome(report.checks), time.monotonic() - start
    for line in choice.notes:
        console.print(f"note: {line}", markup=False)
    console.print(preflight.table(report.checks))
    word = {Outcome.DONE: "could be brought over", Outcome.REFUSED: "could NOT all be brought over"}
    text = word.get(report.outcome, "whether they could be brought over is not known")
    console.print(f"{len(found)} clients: {text} ({report.seconds:.1f} s)", markup=False)
    if arguments.json:
        sys.stdout.write(json.dumps(report.document()) + "\n")
    sys.stdout.flush()
    return report.outcome.exit_code


def guarded_run(arguments: Arguments, console: Console) -> int:
    """Bring over those that are left. `auto`: by remount, then those that it did not cure by reboot."""
    names: list[tuple[str, ...]] = []
    active: list[str] = []

    def act() -> None:
        if arguments.clients not in (AUTO, NONE, *ClientMode):
            expected = ", ".join((AUTO, *ClientMode, NONE))
            raise Usage(f"--clients {arguments.clients}: expected {expected}", "choose one of them")
        sources.check(arguments.source)
        _, _, stack, choice = _chosen(arguments)
        choose.refuse_strangers(choice)
        choose.refuse_none(choice)
        for line in choice.notes:
            console.print(f"note: {line}", markup=False)
        names.append(tuple(c.name for c in choice.clients))
        active.append(stack.active)

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
    code = reported.main(lambda shown: verb.fail_over(request, shown), arguments.json)
    if code == Outcome.CLIENTS_LEFT.exit_code and arguments.clients == AUTO:
        console.print("clients are left: those that answer are rebooted now (--clients auto)", markup=False)
        again = replace(request, clients=ClientMode.REBOOT)
        code = reported.main(lambda shown: verb.fail_over(again, shown), arguments.json)
    return code
