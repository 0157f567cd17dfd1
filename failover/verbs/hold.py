"""The verbs `commit` and `rollback`: the end of a hold, for good or back to the old server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from rich.console import Console

from failover.command import site_file as sites
from failover.command.guarded import guarded
from failover.command.request import Request, SiteChoice
from failover.report.report import Report
from failover.runs import hold
from failover.runs.site_lock import site_lock
from failover.verbs.failover import fail_over


def commit(choice: SiteChoice) -> int:
    """End the hold; the exit code. Without one there is nothing to do."""
    return guarded(lambda: print(_ended(choice), flush=True))


def rollback(request: Request, console: Console) -> Report:
    """Bring the service back to the held server. Never raises FailoverError: it is the report's outcome."""
    return fail_over(replace(request, target=None, rollback=True), console)


def _ended(choice: SiteChoice) -> str:
    """What came of it, in words. Raises Refused while a run is under way; Unknown for a broken file."""
    from failover.flow import holding  # noqa: PLC0415 - after the cheap refusals

    site, now = sites.load(choice.file), datetime.now(UTC)
    with site_lock(site.runs):
        current = hold.read(site.runs)
        if current is None:
            return "nothing to do: no server is held"
        hold.remove(site.runs)
        if not current.is_in_force(now):
            return f"nothing to do: the hold of {current.server} ended at {current.moment}"
        holding.remember(site.runs, current, "committed", now)
    return f"done: {current.server} is no longer held; `./inv reprotect` has a next server"
