"""When each volume was last backed up: what is left if everything else fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from failover.cloud.inventory import Unanswered
from failover.preflight.check import Check, ok, warning
from failover.preflight.context import Ground

_NOT_IMPLEMENTED = 501


def look(ground: Ground) -> Iterator[Check]:
    """The volume's own backups, and those of its OCI volume group. A 501 is a warning; another one is raised
    as Unanswered."""
    for name, volume in ground.stack.volumes.items():
        try:
            newest = _newest(ground, volume.volume_id)
        except Unanswered as error:
            if error.status != _NOT_IMPLEMENTED:
                raise
            remedy = "look at the volume's backups in the console"
            yield warning(f"backup of {name}", "not available here", "the time of the last backup", remedy)
            continue
        yield judge(name, newest, datetime.now(UTC), ground.site.preflight.backup_age_days)


def judge(volume: str, newest: datetime | None, now: datetime, limit_days: float) -> Check:
    """Younger than the limit (days)."""
    check, expected = f"backup of {volume}", f"at most {limit_days:g} days old"
    remedy = "`./inv backup` takes one of all volumes now; `--policy silver` has OCI take them by itself"
    if newest is None:
        return warning(check, "none", expected, remedy)
    days = (now - newest).total_seconds() / 86400
    text = f"{days:.1f} days old"
    return warning(check, text, expected, remedy) if days > limit_days else ok(check, text)


def _newest(ground: Ground, volume_id: str) -> datetime | None:
    compartment = ground.stack.compartment_id
    times = [ground.reads.newest_backup(compartment, volume_id)]
    if group := ground.volume(volume_id).group_id:
        times.append(ground.reads.newest_group_backup(compartment, group))
    return max((f for f in times if f), default=None)
