"""Typed, strict reading of one JSON object, so that no unchecked text gets past the spec."""

import re
from typing import Dict, List, Optional, Pattern, Tuple

Values = Dict[str, object]


class SpecError(Exception):
    """The spec is not usable; names the field, what was found and what was expected."""


def wrong(where: str, actual: object, expected: str) -> SpecError:
    text = "nothing" if actual is None else repr(actual)
    return SpecError("{}: found {}, expected {}".format(where, text[:200], expected))


class Fields:
    """One JSON object at `where`; each field is taken once and whatever is left over is an error."""

    def __init__(self, where: str, actual: object) -> None:
        if not isinstance(actual, dict):
            raise wrong(where, actual, "an object")
        self.where = where
        self._left: Values = dict(actual)

    def _take(self, key: str) -> Tuple[str, object]:
        return "{}.{}".format(self.where, key), self._left.pop(key, None)

    def text(self, key: str, pattern: Pattern[str], meaning: str, default: Optional[str] = None) -> str:
        where, value = self._take(key)
        if value is None and default is not None:
            return default
        return matched(where, value, pattern, meaning)

    def optional(self, key: str, pattern: Pattern[str], meaning: str) -> Optional[str]:
        where, value = self._take(key)
        return None if value is None else matched(where, value, pattern, meaning)

    def number(self, key: str, least: int, most: int, default: Optional[int] = None) -> int:
        """A whole number within the limits; raises SpecError."""
        where, value = self._take(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise wrong(where, value, "a whole number from {} to {}".format(least, most))
        return value

    def flag(self, key: str) -> bool:
        """true or false; raises SpecError."""
        where, value = self._take(key)
        if value is not None and not isinstance(value, bool):
            raise wrong(where, value, "true or false")
        return bool(value)

    def texts(self, key: str, pattern: Pattern[str], meaning: str) -> Tuple[str, ...]:
        return tuple(matched(where, value, pattern, meaning) for where, value in self._items(key))

    def some_texts(self, key: str, pattern: Pattern[str], meaning: str) -> Tuple[str, ...]:
        """As texts; none where the field is not there. Raises SpecError."""
        return self.texts(key, pattern, meaning) if self._left.get(key) is not None else ()

    def objects(self, key: str) -> "List[Fields]":
        return [Fields(where, value) for where, value in self._items(key)]

    def nested(self, key: str) -> "Optional[Fields]":
        where, value = self._take(key)
        return None if value is None else Fields(where, value)

    def _items(self, key: str) -> List[Tuple[str, object]]:
        where, value = self._take(key)
        if not isinstance(value, list):
            raise wrong(where, value, "a list")
        return [("{}[{}]".format(where, index), item) for index, item in enumerate(value)]

    def done(self) -> None:
        """Raises SpecError when the object has a field that was not read."""
        for key in sorted(self._left):
            raise wrong("{}.{}".format(self.where, key), self._left[key], "no such field")


def matched(where: str, value: object, pattern: Pattern[str], meaning: str) -> str:
    """The text when it matches as a whole; raises SpecError with `meaning` as what was expected."""
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise wrong(where, value, meaning)
    return value
