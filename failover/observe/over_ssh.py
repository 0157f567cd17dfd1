"""One host asked over SSH: what came of it as a value, so that one host's trouble is no other host's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from failover.hosts.hook_runner import HookRunner
from failover.hosts.ssh import Silent
from failover.model.hook_report import HookReport
from failover.model.host_spec import HostDocument
from failover.model.observation import Presence, Trouble
from failover.model.outcome import FailoverError, Usage

_GREET_SECONDS = 60.0


def ask(host: HookRunner, question: Callable[[], HookReport | None]) -> dict[str, Any]:
    """What came of it: presence, answer, attempt, trouble. Raises Usage: a fault of our own configuration."""
    try:
        found: dict[str, Any] = {"presence": Presence.ANSWERS, "answer": question()}
    except Silent as error:
        return {"presence": Presence.SILENT, "attempt": error.attempt or host.ssh.attempt}
    except Usage:
        raise
    except FailoverError as error:
        found = {"presence": Presence.UNKNOWN, "trouble": Trouble(error.reason, error.remedy)}
    return {**found, "attempt": host.ssh.attempt}


def check(host: HookRunner, spec: HostDocument, seconds: float) -> dict[str, Any]:
    """The hooks' check of this spec. Raises Usage."""
    return ask(host, lambda: host.hooks("check", spec, seconds))


def greet(host: HookRunner) -> dict[str, Any]:
    """Whether it runs a command at all. Raises Usage."""

    def question() -> None:
        host.ssh.run(["true"], _GREET_SECONDS)

    return ask(host, question)
