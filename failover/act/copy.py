"""A copy of all volumes, kept before the switch: a clone of their group, or a backup of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from failover.act.context import Crew
from failover.cloud.block_copies import BACKUP_TAG, BlockCopies
from failover.cloud.one_group import group_of, place_of
from failover.model.outcome import Failed, FailoverError
from failover.plan.model import CopyMode, Step


def keep_copy(crew: Crew, step: Step) -> str:
    """Clone or back up the volumes as one group; what was kept, by name and OCID. It stays, and costs money.

    A backup is not waited for: it is of the moment in which it was asked for. Raises FailoverError, before
    anything was detached.
    """
    try:
        return _kept(crew, CopyMode(step.subject))
    except FailoverError as error:
        remedy = f"{error.remedy}; or fail over without a copy: --backup none"
        raise type(error)(f"no {step.subject} was made: {error.reason}", remedy) from error


def _kept(crew: Crew, mode: CopyMode) -> str:
    copies, wait = BlockCopies(crew.cloud.client), crew.site.deadlines.switch
    with ThreadPoolExecutor(max_workers=8) as pool:
        ids = [volume.volume_id for volume in crew.stack.volumes.values()]
        volumes = list(pool.map(copies.volume, ids))
    place = (crew.stack.compartment_id, place_of(volumes))
    name = f"nfs-failover-{crew.stack.active}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    group = group_of(volumes)
    if group is None:
        group = copies.make_group(
            place, f"nfs-failover-{crew.stack.active}", ids, {BACKUP_TAG: "group"}, wait
        ).id
    if mode is CopyMode.BACKUP:
        backup = copies.ask_backup(group, name, "INCREMENTAL", {BACKUP_TAG: "backup"})
        return f"backup {name} ({backup}) of this moment was accepted; OCI goes on with it"
    made = copies.clone_group(place, name, group, {BACKUP_TAG: "clone"}, wait)
    if len(made.volume_ids) < len(ids):
        raise Failed(
            f"volume group {made.id} has {len(made.volume_ids)} volumes, expected {len(ids)}", "look at it"
        )
    return f"volume group {name} ({made.id}) is a clone of this moment; it stays until you delete it"
