"""How a run can end, from done to unknown: each end has its own exit code, a reason and a remedy."""

from __future__ import annotations

import enum


class Outcome(enum.Enum):
    """The ends of a run. `exit_code` is what the process returns (the table is in the README).

    CLIENTS_LEFT: the service is up and verified; clients that the report names were not brought over.
    """

    DONE = "done"
    NOTHING_TO_DO = "nothing-to-do"
    CLIENTS_LEFT = "clients-left"
    PLANNED = "planned"
    USAGE = "usage"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES[self]


# Nothing to do is success: a pipeline that asks for what is already so must stay green.
_EXIT_CODES = {
    Outcome.DONE: 0,
    Outcome.NOTHING_TO_DO: 0,
    Outcome.PLANNED: 0,
    Outcome.USAGE: 2,
    Outcome.REFUSED: 3,
    Outcome.FAILED: 4,
    Outcome.UNKNOWN: 5,
    Outcome.CLIENTS_LEFT: 6,
}


class FailoverError(Exception):
    """A run that ends early. `reason` says what was found, `remedy` what the operator does next."""

    outcome = Outcome.FAILED

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Usage(FailoverError):
    """The command or the site's configuration is wrong. The site was not read, and was not changed."""

    outcome = Outcome.USAGE


class Refused(FailoverError):
    """The site was looked at. Going on would not be safe, or could not work. Nothing was changed."""

    outcome = Outcome.REFUSED


class Failed(FailoverError):
    """A step did not do what it had to; the same command goes on from here."""

    outcome = Outcome.FAILED


class Unknown(FailoverError):
    """The truth could not be learnt (authentication, time-out, a 404 that may mean "not authorized")."""

    outcome = Outcome.UNKNOWN


class ClientLeft(FailoverError):
    """One client was not brought over. The service and the other clients do not depend on it."""

    outcome = Outcome.CLIENTS_LEFT


class ClientSilent(ClientLeft):
    """One client does not answer; nothing was done on it."""
