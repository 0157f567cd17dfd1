"""After a switch by command: the commit that keeps Git in step, suggested or made. It is never pushed."""

from __future__ import annotations

import shlex
from pathlib import Path

from failover.checkout.git import Checkout
from failover.checkout.request import LINE
from failover.model.outcome import Failed, FailoverError, Refused


def refuse_unless_possible(file: Path) -> None:
    """Before a run: raise Refused when the commit would include, or leave, another person's changes."""
    checkout = Checkout(file)
    if not checkout.is_one():
        raise Refused(f"--commit: {file.parent} is not a Git checkout", "leave out --commit")
    if (committed := checkout.committed()) is None:
        raise Refused(f"--commit: {file.name} is not in HEAD", f"`git add -f {file.name}` and commit it once")
    if others := checkout.staged_others():
        raise Refused(
            f"--commit: other changes are staged: {', '.join(others[:5])}",
            "commit or unstage them (`git restore --staged .`), or leave out --commit",
        )
    if file.exists() and _but_the_line(file.read_text()) != _but_the_line(committed):
        raise Refused(
            f"--commit: {file.name} has other edits than its line active_server",
            f"commit or undo them (`git diff {file.name}`), or leave out --commit",
        )


def make(file: Path, server: str, run: str | None) -> str:
    """Commit the file; what came of it, in words. Raises Failed: the switch itself is done by then."""
    if not _differs(file):
        return f"nothing to commit: {file.name} is committed as it is"
    try:
        refuse_unless_possible(file)
        return f"committed {file.name} as {Checkout(file).commit(message(server, run))}; push it"
    except FailoverError as error:
        raise Failed(
            f"the switch is done and verified, but the commit was not made: {error.reason}",
            f"{error.remedy}; then run the same command again, or commit it yourself: "
            f"{command(file, server, run)}",
        ) from error


def suggestion(file: Path, server: str, run: str | None) -> str:
    """The commit to make, "" where there is none to make."""
    if not _differs(file):
        return ""
    return f"keep Git in step, so that no later merge flips it back: {command(file, server, run)}"


def command(file: Path, server: str, run: str | None) -> str:
    """The commit as it would be typed."""
    argv = ["git", "-C", str(file.parent), "commit", "-m", message(server, run), "--", file.name]
    return shlex.join(argv)


def message(server: str, run: str | None) -> str:
    """The commit's message."""
    return f"Make {server} the active server" + (f" (run {run})" if run else "")


def _differs(file: Path) -> bool:
    """Whether the file is in a checkout, and not as HEAD has it. False without Git."""
    try:
        checkout = Checkout(file)
        committed = checkout.committed() if checkout.is_one() else None
        return committed is not None and committed != file.read_text()
    except (Refused, OSError):
        return False


def _but_the_line(text: str) -> str:
    return LINE.sub("", text).strip()
