"""An exit code for what a verb came to, whatever goes wrong in it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from failover.command.unexpected import as_unknown
from failover.model.outcome import FailoverError, Outcome


def guarded(action: Callable[[], None]) -> int:
    """Do it; the exit code. What goes wrong is a line with its remedy on stderr."""
    try:
        action()
    except FailoverError as error:
        print(f"{error.outcome.value}: {error.reason}\n   remedy: {error.remedy}", file=sys.stderr)
        return error.outcome.exit_code
    except KeyboardInterrupt:
        print("unknown: interrupted\n   remedy: run the same command again", file=sys.stderr)
        return Outcome.UNKNOWN.exit_code
    except Exception as error:  # noqa: BLE001 - no library's exception reaches the terminal
        failure = as_unknown(error, None)
        print(f"{failure.outcome.value}: {failure.reason}\n   remedy: {failure.remedy}", file=sys.stderr)
        return failure.outcome.exit_code
    return 0
