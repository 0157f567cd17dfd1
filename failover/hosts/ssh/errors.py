"""How reaching a host can fail: it is silent, it refuses the login, or its state stays unknown."""

from __future__ import annotations

from failover.model.host.attempt import Attempt
from failover.model.outcome import Unknown


class Silent(Exception):
    """The network towards the host was tried, and no SSH answer came back. `attempt` is the evidence.

    This does not prove that the host is down; failover/plan/silence.py says what does.
    """

    def __init__(self, message: str, attempt: Attempt | None = None) -> None:
        super().__init__(message)
        self.attempt = attempt


class HostUnknown(Unknown):
    """The host's state could not be learnt: it lets us not in, or does not finish, or the fault is ours."""

    def __init__(self, reason: str, remedy: str = "", attempt: Attempt | None = None) -> None:
        super().__init__(reason, remedy)
        self.attempt = attempt


class LoginRefused(HostUnknown):
    """The host answers and does not let us in; while it boots or goes down, only for now (pam_nologin(8))."""
