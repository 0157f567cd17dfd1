"""Command-line values that invoke(1) misreads: empty ones, and text in the place of a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NoReturn, Self

from invoke.exceptions import Exit

from failover.model.outcome import Outcome


class Seconds(float):
    """An option's number of seconds: its default has this type, so invoke(1) makes one of what is given."""

    def __new__(cls, value: object) -> Self:
        """Raises Exit for what is no number, and for one that no clock shows."""
        try:
            number = float(str(value))
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            _refuse(f"found {str(value)!r}, expected a number of seconds", "correct the option's value")
        return super().__new__(cls, number)


class Count(int):
    """An option's whole number, as Seconds."""

    def __new__(cls, value: object) -> Self:
        """Raises Exit for what is no whole number."""
        try:
            return super().__new__(cls, str(value))
        except ValueError:
            _refuse(f"found {str(value)!r}, expected a whole number", "correct the option's value")


def refuse_empty(words: Sequence[str]) -> None:
    """Raise Exit for an empty value. It would count as not given: `--nodes "$NODES"` as all clients."""
    for before, word in zip(["", *words], words, strict=False):
        option = before if before.startswith("-") and not word else word.removesuffix("=")
        if not word or (word.startswith("--") and word.endswith("=")):
            _refuse(
                f"{option or 'an argument'} is empty, expected a value",
                "give it one, or leave it out; a shell variable may be unset",
            )


def _refuse(reason: str, remedy: str) -> NoReturn:
    raise Exit(f"{Outcome.USAGE.value}: {reason}\n   remedy: {remedy}", Outcome.USAGE.exit_code)
