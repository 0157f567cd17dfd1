"""Typed, strict reading of one JSON object, so that no unchecked text gets past the spec."""

import re
from typing import Dict, List, Optional, Pattern, Tuple

Found = Dict[str, object]


class SpecError(Exception):
    """The spec is not usable; names the field, what was found and what was expected."""


def wrong(where: str, found: object, expected: str) -> SpecError:
    text = "nothing" if found is None else repr(found)
    return SpecError("{}: found {}, expected {}".format(where, text[:200], expected))


class Fields:
    """One JSON object at `where`; each field is taken once and whatever is left over is an error."""

    def __init__(self, where: str, found: object) -> None:
        if not isinstance(found, dict):
            raise wrong(where, found, "an object")
        self.where = where
        self._left: Found = dict(found)

    def _take(self, key: str) -> Tuple[str, object]:
        return "{}.{}".format(self.where, key), self._left.pop(key, None)

    def text(self, key: str, pattern: Pattern[str], meaning: str, default: Optional[str] = None) -> str:
        where, found = self._take(key)
        if found is None and default is not None:
            return default
        return matched(where, found, pattern, meaning)

    def optional(self, key: str, pattern: Pattern[str], meaning: str) -> Optional[str]:
        where, found = self._take(key)
        return None if found is None else matched(where, found, pattern, meaning)

    def number(self, key: str, least: int, most: int, default: Optional[int] = None) -> int:
        """A whole number within the limits; raises SpecError."""
        where, found = self._take(key)
        if found is None and default is not None:
            return default
        if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= most:
            raise wrong(where, found, "a whole number from {} to {}".format(least, most))
        return found

    def flag(self, key: str) -> bool:
        """true or false; raises SpecError."""
        where, found = self._take(key)
        if found is not None and not isinstance(found, bool):
            raise wrong(where, found, "true or false")
        return bool(found)

    def texts(self, key: str, pattern: Pattern[str], meaning: str) -> Tuple[str, ...]:
        return tuple(matched(where, found, pattern, meaning) for where, found in self._items(key))

    def some_texts(self, key: str, pattern: Pattern[str], meaning: str) -> Tuple[str, ...]:
        """As texts; none where the field is not there. Raises SpecError."""
        return self.texts(key, pattern, meaning) if self._left.get(key) is not None else ()

    def objects(self, key: str) -> "List[Fields]":
        return [Fields(where, found) for where, found in self._items(key)]

    def nested(self, key: str) -> "Optional[Fields]":
        where, found = self._take(key)
        return None if found is None else Fields(where, found)

    def _items(self, key: str) -> List[Tuple[str, object]]:
        where, found = self._take(key)
        if not isinstance(found, list):
            raise wrong(where, found, "a list")
        return [("{}[{}]".format(where, index), item) for index, item in enumerate(found)]

    def done(self) -> None:
        """Raises SpecError when the object has a field that was not read."""
        for key in sorted(self._left):
            raise wrong("{}.{}".format(self.where, key), self._left[key], "no such field")


def matched(where: str, found: object, pattern: Pattern[str], meaning: str) -> str:
    """The text when it matches as a whole; raises SpecError with `meaning` as what was expected."""
    if not isinstance(found, str) or not re.fullmatch(pattern, found):
        raise wrong(where, found, meaning)
    return found
