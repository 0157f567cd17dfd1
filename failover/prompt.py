"""A question to the operator at the terminal."""

from __future__ import annotations


def typed(question: str) -> str:
    """What the operator types, without blanks around it; empty when the input ends (Ctrl-D, a lost terminal).

    Raises KeyboardInterrupt.
    """
    try:
        return input(question).strip()
    except EOFError:
        return ""
