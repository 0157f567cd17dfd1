"""The commands that the model knows, each a function of the host and its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hooks.host.host import CommandOutcome

if TYPE_CHECKING:
    from tests.model.host.linux import LinuxHost

Tool = Callable[["LinuxHost", list[str]], CommandOutcome]
TOOLS: dict[str, Tool] = {}


class Unmodelled(AssertionError):
    """A command, an option or a column that the model does not know: it has to learn it, never to guess."""


class HangError(Exception):
    """The command would not end before its deadline; `seconds`: it ends after so many, None: never."""

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def tool(name: str) -> Callable[[Tool], Tool]:
    """Registers the model of the command `name`."""

    def register(function: Tool) -> Tool:
        TOOLS[name] = function
        return function

    return register


def ok(out: str = "") -> CommandOutcome:
    return CommandOutcome(0, out, "")


def fail(code: int, err: str) -> CommandOutcome:
    return CommandOutcome(code, "", err + "\n")


def taken(arguments: list[str], *flags: str) -> set[str]:
    """Takes these flags out of the arguments and returns those that were there."""
    found = {flag for flag in flags if flag in arguments}
    arguments[:] = [word for word in arguments if word not in found]
    return found


def option(arguments: list[str], *names: str) -> str | None:
    """Takes `NAME VALUE` or `NAME=VALUE` out of the arguments; None when it is not there."""
    for index, word in enumerate(arguments):
        name, equals, value = word.partition("=")
        if word in names:
            found = arguments[index + 1]
            del arguments[index : index + 2]
            return found
        if equals and name in names and name.startswith("--"):
            del arguments[index]
            return value
    return None


def options(arguments: list[str], *names: str) -> list[str]:
    """Every value of an option that may come several times."""
    found = []
    while (value := option(arguments, *names)) is not None:
        found.append(value)
    return found


def none_left(name: str, arguments: list[str]) -> None:
    if arguments:
        raise Unmodelled(f"{name}: the model does not know {' '.join(arguments)}")
