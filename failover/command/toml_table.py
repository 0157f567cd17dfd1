"""One table of site.toml, read key by key: every error names the key, and no key is passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from failover.model.outcome import Usage

_T = TypeVar("_T")
_EXAMPLE = "compare it with docs/site.example.toml"
Check = Callable[[object, str], _T]


class Table:
    """A table at `where`; empty for the whole file. Raises Usage for a value that is not a table."""

    def __init__(self, where: str, values: object) -> None:
        if not isinstance(values, Mapping):
            raise Usage(f"site: [{where}]: found {values!r}, expected a table", _EXAMPLE)
        self.where = where
        self._values: Mapping[str, Any] = values
        self._known: list[str] = []

    def name(self, key: str) -> str:
        """The key with its table's name, as errors say it."""
        return f"{self.where}.{key}" if self.where else key

    def has(self, key: str) -> bool:
        """Whether the file sets this key."""
        return key in self._values

    def get(self, key: str, check: Check[_T], default: _T) -> _T:
        """The key's value as `check(value, name)` gives it, which raises Usage; the default without one."""
        self._known.append(key)
        return check(self._values[key], self.name(key)) if key in self._values else default

    def need(self, key: str, check: Check[_T]) -> _T:
        """As `get`, for a key that must be there. Raises Usage."""
        self._known.append(key)
        if key not in self._values:
            others = ", ".join(map(repr, self._values)) or "nothing"
            raise Usage(f"{self.name(key)}: not there, expected it beside {others}", _EXAMPLE)
        return check(self._values[key], self.name(key))

    def table(self, key: str) -> Table:
        """The table of this name; an empty one when the file has none."""
        self._known.append(key)
        return Table(self.name(key), self._values.get(key, {}))

    def tables(self, key: str) -> list[Table]:
        """The array of tables of this name, each named by its index from 0. Raises Usage for another type."""
        self._known.append(key)
        tables, name = self._values.get(key, []), self.name(key)
        if not isinstance(tables, list):
            raise Usage(f"site: {name}: found {tables!r}, expected an array of tables", _EXAMPLE)
        return [Table(f"{name}[{index}]", entry) for index, entry in enumerate(tables)]

    def items(self) -> Mapping[str, Any]:
        """Every key and value, for a table whose keys are the user's own."""
        return self._values

    def done(self) -> None:
        """Raises Usage for a key that is not read: a slip of the pen must not pass for a setting."""
        unknown = sorted(set(self._values) - set(self._known))
        if unknown:
            where = f"[{self.where}]" if self.where else "the site file"
            raise Usage(
                f"site: {where} has an unknown key {unknown[0]!r}",
                f"known there: {', '.join(sorted(set(self._known)))}",
            )
