"""Whether the target, left to itself, finds the hooks that its loader wants (docs/adr/0010)."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from collections.abc import Iterator, Set

from failover.hosts.ssh import Silent
from failover.preflight.check import Check, ok, warning
from failover.preflight.checks.hosts import survey
from failover.preflight.context import Ground

NAME = "hooks at boot"
_PINNED = re.compile(r"loader\.pyz ([0-9a-f]{64})")
_REMEDY = (
    "without an operator the target would not complete a takeover: `invoke render`, for one that is still to "
    "be launched; for one that stands by, put hooks.pyz of the version that launched it into "
    "/opt/nfs-failover there"
)


def look(ground: Ground, with_data: Set[str]) -> Iterator[Check]:
    """`with_data`: SHA-256 of the hooks that lie on the volumes. No check for a target without a loader."""
    wanted = _of_target(ground)
    if wanted:
        yield judge(ground.target.name, *wanted, with_data)


def judge(name: str, sha256: str, here: bool, with_data: Set[str]) -> Check:
    """`here`: they lie on the target's own disk."""
    if here or sha256 in with_data:
        where = f"on {name}" if here else "on the volumes"
        return ok(NAME, f"{sha256[:16]}, which {name} wants, is {where}")
    actual = f"{name} runs hooks with SHA-256 {sha256[:16]} alone: they are not on it, and not on the volumes"
    return warning(NAME, actual, "a copy on the volumes", _REMEDY)


def _of_target(ground: Ground) -> tuple[str, bool] | None:
    """The SHA-256 that the target's loader wants, and whether its own disk has it."""
    if ground.to_launch():
        pinned = pinned_in(ground.runner.file("rendered/user_data") or "")
        return (pinned, False) if pinned else None
    try:
        answer = ground.survey(ground.target.name) if survey.may_be_asked(ground) else None
    except Silent:  # its survey says so
        return None
    boot = answer.result.facts.get("boot") if answer else None
    return (str(boot["sha256"]), bool(boot["here"])) if isinstance(boot, dict) else None


def pinned_in(user_data: str) -> str:
    """The SHA-256 in a rendered document; empty where there is none: an older one, or another's."""
    try:
        text = gzip.decompress(base64.b64decode(user_data.strip(), validate=True)).decode()
    except (ValueError, OSError, EOFError, zlib.error):
        return ""
    match = _PINNED.search(text)
    return match.group(1) if match else ""
