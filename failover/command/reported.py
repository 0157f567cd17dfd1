"""A verb that has a report: run, shown, kept; its exit code is the report's outcome."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from rich.console import Console

from failover.command.unexpected import as_unknown
from failover.model.outcome import FailoverError, Outcome
from failover.report import terminal
from failover.report.report import Report
from failover.report.write import keep


def main(action: Callable[[Console], Report], as_json: bool) -> int:
    """Run `action`, show its report (and print it as JSON on the last line), return the exit code."""
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    report = action(console)
    terminal.show(report, console)
    keep(report, console)
    if as_json:
        sys.stdout.write(json.dumps(report.document()) + "\n")
    sys.stdout.flush()
    return report.outcome.exit_code


def reported(report: Report, act: Callable[[Report], None]) -> Report:
    """The report after `act`; what `act` raises is the report's outcome."""
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
