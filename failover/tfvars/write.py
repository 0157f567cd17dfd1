"""Files that adopt writes: each shown as a difference first, then, when it is wanted, written whole."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from failover.atomic_file import write_whole
from failover.model.outcome import Refused
from failover.prompt import typed


@dataclass(frozen=True)
class FileChange:
    """A file and the whole text that it shall have; empty text: that it is not there."""

    path: Path
    text: str

    @property
    def before(self) -> str:
        """The text that is there now; empty for no file."""
        return self.path.read_text(encoding="utf-8") if self.path.exists() else ""

    @property
    def needed(self) -> bool:
        """Whether it changes anything."""
        return self.before != self.text

    def write(self) -> None:
        """Write it whole, or remove it. Raises OSError."""
        if self.text:
            write_whole(self.path, self.text.encode())
        else:
            self.path.unlink(missing_ok=True)

    def difference(self) -> str:
        """The unified difference."""
        name = str(self.path)
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.text.splitlines(keepends=True),
            name if self.path.exists() else "/dev/null",
            name if self.text else "/dev/null",
        )
        return "".join(lines)


def write(changes: Sequence[FileChange], console: Console, yes: bool) -> bool:
    """Show each needed change, ask once, write all; False when there was none.

    Raises Refused when the answer is no, or when there is no terminal: nothing is written then.
    """
    needed = [change for change in changes if change.needed]
    for change in needed:
        console.print(change.difference(), markup=False, end="\n")
    if not needed:
        return False
    if not yes:
        confirm(f"Write {', '.join(change.path.name for change in needed)}?")
    for change in needed:
        change.write()
        console.print(f"wrote {change.path}" if change.text else f"removed {change.path}", markup=False)
    return True


def confirm(question: str) -> None:
    """Ask a person; raises Refused for any answer but yes, and where nobody can answer."""
    if not sys.stdin.isatty():
        raise Refused(f"{question} There is no terminal", "add --yes, or run it in a terminal")
    if typed(f"{question} Type yes to go on: ").lower() != "yes":
        raise Refused("not confirmed; nothing was written", "")
