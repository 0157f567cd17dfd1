"""The operator's own disk: can a run write there what it has to, to its end?

A disk that is full, or a state that belongs to somebody else, would stop a run between the fence of the old
server and the switch: Terraform cannot save its plan there.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from failover.model.site import Site
from failover.preflight.check import Check, blocking, ok
from failover.preflight.context import Ground
from failover.stack.state_lock import StatePlace

NAME = "this machine's disk"
# Much more than the state, its backup, the plans, the journal and the report of the largest site together.
NEEDED_BYTES = 16 << 20


def look(ground: Ground) -> Iterator[Check]:
    """One check of all folders in which a run writes, and of a local state."""
    site = ground.site
    yield judge({folder: objection(folder) for folder in folders(site)}, locked_out(site))


def folders(site: Site) -> tuple[Path, ...]:
    """Where a run writes on this machine: its runs, temporary files, the stack or the checkout beside it."""
    stack = (site.terraform.checkout,) if site.terraform.stack_id else _of_stack(site)
    wanted = (site.runs, Path(tempfile.gettempdir()), *filter(None, stack))
    return tuple(dict.fromkeys(map(_existing, wanted)))


def _of_stack(site: Site) -> tuple[Path, ...]:
    return site.terraform.directory, StatePlace.of(site).path.parent


def _existing(folder: Path) -> Path:
    """The folder, or the one in which it will be made."""
    return next((one for one in (folder, *folder.parents) if one.is_dir()), folder)


def objection(folder: Path) -> str:
    """Why so much cannot be written there, in the kernel's words; empty where it can. Nothing is left there.

    The room is taken for a moment: only so quotas, rights and a read-only mount show as well.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            os.posix_fallocate(stream.fileno(), 0, NEEDED_BYTES)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def locked_out(site: Site) -> Path | None:
    """The local state where this user may not write it: Terraform opens it to lock it."""
    state = StatePlace.of(site).path
    is_ours = bool(site.terraform.stack_id) or not state.exists() or os.access(state, os.W_OK)
    return None if is_ours else state


def judge(objections: dict[Path, str], state: Path | None) -> Check:
    """`objections`: by folder, empty where there is room; `state`: one that may not be written."""
    against = {folder: why for folder, why in objections.items() if why}
    if state:
        against[state] = f"user {os.geteuid()} may not write it"
    if not against:
        return ok(NAME, f"{NEEDED_BYTES >> 20} MiB can be written in {', '.join(map(str, objections))}")
    return blocking(
        NAME,
        "; ".join(f"{path}: {why}" for path, why in against.items()),
        f"{NEEDED_BYTES >> 20} MiB of room, and the right to write, in each folder in which a run writes",
        f"make room or give the right there (df, ls -ld): {', '.join(map(str, against))}",
    )
