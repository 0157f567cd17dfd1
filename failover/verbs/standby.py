"""The verbs `standby up|down|status` and `reprotect`: arguments, the site's lock, history, exit code."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console

from failover.cloud.endpoint import check_endpoint
from failover.command import site_file as sites
from failover.command.guarded import guarded
from failover.command.request import SiteChoice
from failover.model.outcome import FailoverError, Outcome, Refused, Usage
from failover.model.site import Site
from failover.prompt import typed
from failover.runs import history, hold
from failover.runs.site_lock import site_lock
from failover.stack import choose as vias
from failover.stack.runner import StackRunner

if TYPE_CHECKING:
    from failover.ports import Ports

UP, DOWN, STATUS = "up", "down", "status"
ACTIONS = (UP, DOWN, STATUS)


def main(action: str, server: str, choice: SiteChoice, yes: bool) -> int:
    """One of ACTIONS for one server; the exit code."""
    return guarded(lambda: _act(action, server, choice, yes, _console()))


def reprotect(server: str | None, choice: SiteChoice, yes: bool) -> int:
    """A next server again; the exit code. Nothing to do where there is one."""
    return guarded(lambda: _reprotect(server, choice, yes, _console()))


def _act(action: str, server: str, choice: SiteChoice, yes: bool, console: Console) -> None:
    if action not in ACTIONS:
        raise Usage(f"standby {action}: expected {', '.join(ACTIONS)}", "choose one of them")
    site, runner = _opened(choice)
    if action == STATUS:
        _show(site, runner, server, console)
        return
    with _doors(site, runner) as ports:
        hold.refuse_held(site.runs, server, datetime.now(UTC))
        (_up if action == UP else _down)(ports, server, yes, console)


def _opened(choice: SiteChoice) -> tuple[Site, StackRunner]:
    site = vias.chosen(sites.load(choice.file), choice.runner_name, choice.stack_id)
    check_endpoint(site)
    runner = vias.runner(site)
    runner.mend(_say)
    runner.init()
    return site, runner


def _say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def _doors(site: Site, runner: StackRunner) -> Iterator[Ports]:
    """The doors, under the site's lock: no other run works on the site meanwhile."""
    # The SDK and asyncssh take a second to import: not before the cheap refusals are through.
    from failover import ports  # noqa: PLC0415

    with site_lock(site.runs), ports.opened(site, runner) as doors:
        runner.recover(_say)
        try:
            yield doors
        finally:
            runner.discard_plans()


def _up(ports: Ports, server: str, _: bool, console: Console) -> None:
    from failover.standby import bring_up  # noqa: PLC0415 - as above

    def act() -> dict[str, Any]:
        came = bring_up.bring_up(ports, server, _sayer(console))
        console.print(f"done: {server} stands by, out of service: {came.check or 'not asked'}", markup=False)
        return {history.STEPS: came.seconds}

    _remembered(ports.site, UP, server, act)


def _down(ports: Ports, server: str, yes: bool, console: Console) -> None:
    from failover.standby import take_down  # noqa: PLC0415 - as above

    take_down.refuse_unless_ours(ports, ports.runner.read(), server)
    _confirm(f"{server} is terminated, its boot volume too", server, yes)

    def act() -> dict[str, Any]:
        console.print(f"done: {take_down.take_down(ports, server, _sayer(console))}", markup=False)
        return {}

    _remembered(ports.site, DOWN, server, act)


def _reprotect(server: str | None, choice: SiteChoice, yes: bool, console: Console) -> None:
    site, runner = _opened(choice)
    from failover.standby import reprotect as nexts  # noqa: PLC0415 - after the cheap refusals
    from failover.status.look import Look  # noqa: PLC0415

    before = Look(site, runner, site.deadlines.hooks).sight()
    ready = None if server else nexts.settled(before)
    if ready:
        console.print(f"nothing to do: {'; '.join(ready.next_servers)}", markup=False)
        return
    with _doors(site, runner) as ports:
        name = nexts.chosen(runner.read(), before, server)
        hold.refuse_held(site.runs, name, datetime.now(UTC))
        _confirm(f"{name} is brought up, without volumes, as the next server", name, yes)
        _up(ports, name, yes, console)
    console.print(
        f"protected: {nexts.prove(Look(site, runner, site.deadlines.hooks).sight(), name)}", markup=False
    )


def _show(site: Site, runner: StackRunner, server: str, console: Console) -> None:
    from failover import ports  # noqa: PLC0415 - after the cheap refusals
    from failover.standby import report  # noqa: PLC0415

    with ports.opened(site, runner) as doors:
        for line in report.lines(doors, server):
            console.print(line, markup=False)


def _confirm(what: str, word: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Usage(f"{what}: it cannot be confirmed: there is no terminal", "add --yes, or use a terminal")
    if typed(f"{what}. Type {word} to go on: ") != word:
        raise Refused("not confirmed; nothing was changed", "")


def _remembered(site: Site, action: str, server: str, act: Callable[[], dict[str, Any]]) -> None:
    """Do it; what came of it goes into the history, also when it failed."""
    start, outcome, facts = time.monotonic(), Outcome.UNKNOWN, {}
    try:
        facts = act()
        outcome = Outcome.DONE
    except FailoverError as error:
        outcome, facts = error.outcome, {"reason": error.reason}
        raise
    finally:
        facts = {"action": action, "server": server, **facts}
        seconds = time.monotonic() - start
        entry = history.Entry(history.Kind.STANDBY, datetime.now(UTC), outcome.value, seconds, facts)
        try:
            history.append(site.runs, entry)
        except OSError as error:
            print(f"the history could not be written: {error}", file=sys.stderr)


def _sayer(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(text, markup=False)


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, emoji=False)
