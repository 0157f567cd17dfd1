"""One host asked over SSH: what came of it as a value, so that one host's trouble is no other host's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from failover.hosts.hook_runner import HookRunner
from failover.hosts.ssh import Silent
from failover.model.host.hook_report import HookReport
from failover.model.host.host_spec import HostDocument
from failover.model.observation import Presence, Trouble
from failover.model.outcome import FailoverError, Unknown, Usage

_GREET_SECONDS = 60.0


@contextmanager
def learning(host: HookRunner) -> Iterator[dict[str, Any]]:
    """Presence, attempt and trouble: by what the block raises. Raises Usage on."""
    facts: dict[str, Any] = {"presence": Presence.ANSWERS}
    try:
        yield facts
    except Silent as error:
        facts |= {"presence": Presence.SILENT, "attempt": error.attempt or host.ssh.attempt}
        return
    except Usage:
        raise
    except FailoverError as error:
        facts |= {"presence": Presence.UNKNOWN, "trouble": Trouble(error.reason, error.remedy)}
    facts["attempt"] = host.ssh.attempt


def ask(host: HookRunner, question: Callable[[], HookReport | None]) -> dict[str, Any]:
    """What came of it: presence, answer, attempt, trouble. Raises Usage: a fault of our own configuration."""
    with learning(host) as facts:
        facts["answer"] = question()
    return facts


async def checked(
    host: HookRunner, spec: Callable[[], Awaitable[HostDocument]], seconds: float, begun: Callable[[], None]
) -> dict[str, Any]:
    """The same for the hooks' check, in the event loop. `begun`: the login is through. Raises Usage.

    `spec`: waited for after the login, which does not need it.
    """
    with learning(host) as facts:
        try:
            await host.ssh.opened()
            begun()
            facts["answer"] = await host.answer("check", await spec(), seconds)
        except (Silent, FailoverError):
            raise
        except Exception as error:  # a defect of this program: it must not cost the other clients the run
            raise Unknown(f"{host.ssh.name}: {type(error).__name__}: {error}", "report this") from error
    return facts


def check(host: HookRunner, spec: HostDocument, seconds: float) -> dict[str, Any]:
    """The hooks' check of this spec. Raises Usage."""
    return ask(host, lambda: host.hooks("check", spec, seconds))


def greet(host: HookRunner) -> dict[str, Any]:
    """Whether it runs a command at all. Raises Usage."""

    def question() -> None:
        host.ssh.run(["true"], _GREET_SECONDS)

    return ask(host, question)
