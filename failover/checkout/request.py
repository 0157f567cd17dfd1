"""What a checkout asks for: its active.auto.tfvars, and whether doing that would undo a newer switch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from failover.checkout.git import Checkout, Commit
from failover.model.duration import moment
from failover.model.outcome import Refused, Usage
from failover.model.switch_record import Switched

LINE = re.compile(r'^[ \t]*active_server[ \t]*=[ \t]*"(?P<name>[^"\n]*)"[ \t]*(?:(?:#|//).*)?$', re.MULTILINE)
PAGE = "docs/door-gitops.md"


@dataclass(frozen=True)
class NamedServer:
    """The server that a file names, and who decided so when. `doubt`: why that is not known, else ""."""

    server: str
    commit: Commit | None
    doubt: str = ""
    remedy: str = ""


def server(file: Path) -> str:
    """The active server that the file names; raises Usage when it does not name exactly one."""
    try:
        servers = LINE.findall(file.read_text())
    except OSError as error:
        raise Usage(f"{file}: {error.strerror}", 'make it: active_server = "nfs-srv-1"') from error
    if len(servers) != 1:
        raise Usage(
            f'{file}: found {len(servers)} lines active_server = "...", expected one',
            'leave the one line active_server = "NAME"; clear comments may stand beside it',
        )
    return str(servers[0])


def read(file: Path) -> NamedServer:
    """What the file asks for, with its commit. Raises Usage for a file that names no server."""
    name = server(file)
    checkout = Checkout(file)
    if not checkout.is_one():
        return NamedServer(
            name, None, f"{file.parent} is not a Git checkout", "run it in a checkout, with its history"
        )
    if checkout.committed() != file.read_text():
        return NamedServer(name, None, f"{file.name} has edits that are not committed", "commit them")
    commit = checkout.last_commit()
    if commit is None or checkout.is_cut_off_at(commit):
        return NamedServer(
            name,
            None,
            f"the checkout's history does not reach back to the commit that last touched {file.name}",
            "fetch all of it: `git fetch --unshallow`; with actions/checkout: fetch-depth: 0",
        )
    return NamedServer(name, commit)


def refuse_stale_request(named: NamedServer, last: Switched | None) -> None:
    """Raise Refused when another server was made the active one after this was decided, or maybe after.

    A record of the very server that is asked for, or none at all (a stack that never switched), refuses
    nothing. There is no override flag. To force it, make a newer commit.
    """
    if last is None or last.active == named.server:
        return
    standing = (
        f"{last.active} was made the active server by {last.by} at {moment(last.at)} (door: {last.door})"
    )
    if named.commit is None:
        raise Refused(
            f"{standing}, and whether {named.server} was asked for before or after that is not known: "
            f"{named.doubt}",
            named.remedy,
        )
    if named.commit.at <= last.at:
        sha, at = named.commit.sha[:10], moment(named.commit.at)
        raise Refused(
            f"this would flip back a newer switch: {standing}, after commit {sha} of {at} "
            f'("{named.commit.subject}", {named.commit.author}) had asked for {named.server}',
            f"if {last.active} is right, commit that to active.auto.tfvars; to make {named.server} "
            f"active anyway, make a newer commit: only a commit newer than the switch counts ({PAGE})",
        )
