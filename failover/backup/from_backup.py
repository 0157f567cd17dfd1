"""A volume group of new volumes from a backup: made beside the site's own, to be named to a failover later.

Nothing of the site is touched here. The new volumes cost money until somebody deletes them: each is tagged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from failover.cloud.block_copies import (
    BACKUP_TAG,
    BlockCopies,
    BlockGroup,
    BlockVolume,
    GroupBackup,
    VolumeBackup,
)
from failover.cloud.one_group import place_of
from failover.model.duration import duration
from failover.model.outcome import FailoverError, Outcome, Refused
from failover.model.stack_output import Stack
from failover.model.timeline import Phase
from failover.ports import Ports
from failover.report.report import Report

Copy = TypeVar("Copy", BlockGroup, GroupBackup)
BACKUP = "ocid1.volumegroupbackup."
TAG = "restored"  # the value of BACKUP_TAG
_LOOK = "choose another backup; `./inv backup --look` names the newest"


class FromBackup:
    """One restore; fills the report."""

    def __init__(self, ports: Ports, wait: float, report: Report, say: Callable[[str], None]) -> None:
        self._ports = ports
        self._wait = wait
        self._report = report
        self._say = say
        self._calls = BlockCopies(ports.cloud.client)

    def run(self, wanted: str) -> None:
        """Have a volume group of this backup (an OCID or a name). A run that was cut off is taken up.

        Raises Refused for a backup that does not fit the site, Failed, Unknown; then nothing was made, or the
        reason names it.
        """
        self._ports.runner.init()
        stack = self._ports.runner.read()
        self._report.active = stack.active
        backup = self._backup_named(stack, wanted)
        with ThreadPoolExecutor(max_workers=8) as pool:
            ids = [one.volume_id for one in stack.volumes.values()]
            volumes = list(pool.map(self._calls.traced_volume, ids))
            parts = list(pool.map(self._calls.volume_backup, backup.part_ids))
        fit(backup, parts, dict(zip(stack.volumes, volumes, strict=True)))
        group = self._made(stack, place_of(volumes), backup)
        self._named(group, backup)
        self._say_what_next(stack, group, backup)

    def _backup_named(self, stack: Stack, wanted: str) -> GroupBackup:
        if wanted.startswith(BACKUP):
            return self._calls.group_backup(wanted)
        backups = self._calls.group_backups(stack.compartment_id)
        return one_named("--restore", "AVAILABLE backups", wanted, backups)

    def _made(self, stack: Stack, domain: str, backup: GroupBackup) -> BlockGroup:
        """The group, AVAILABLE: a new one, or the one that an earlier run began."""
        began = datetime.now(UTC)
        if whole := self._earlier(stack, backup):
            self._say(f"volume group {whole.name} ({whole.id}) is of this backup already: {whole.state}")
            group = self._calls.settle_group(whole.id, self._wait)
            self._report.outcome = Outcome.NOTHING_TO_DO
        else:
            name = f"{backup.name}-restored-{began:%Y%m%dT%H%M%S}"
            self._say(f"volume group {name}: new volumes of {backup.size_gbs} GB beside the site's own ...")
            place = (stack.compartment_id, domain)
            try:
                group = self._calls.restore_group(place, name, backup.id, {BACKUP_TAG: TAG}, self._wait)
            except FailoverError as error:
                left = self._left(stack, backup, name)
                raise type(error)(error.reason + left, error.remedy) from error
            self._report.outcome = Outcome.DONE
        seconds = (datetime.now(UTC) - began).total_seconds()
        self._report.phases.append(Phase("restore", seconds, f"{group.name}: {group.state}"))
        return group

    def _left(self, stack: Stack, backup: GroupBackup, name: str) -> str:
        """What a restore that ended early has made, for its reason; "" when it is known that nothing was."""
        try:
            group = self._earlier(stack, backup)
        except FailoverError:
            return f"; whether volume group {name} was made is not known: the same command looks again"
        if group is None:
            return ""
        made = f"volume group {group.name} ({group.id}) was made, and costs money"
        return f"; {made}: the same command takes it up"

    def _earlier(self, stack: Stack, backup: GroupBackup) -> BlockGroup | None:
        """A group of this backup that nobody has used: not the site's volumes, and not replaced ones."""
        own = {volume.volume_id for volume in stack.volumes.values()}
        for group in self._calls.groups(stack.compartment_id):
            if group.restored_from != backup.id or own & set(group.volume_ids):
                continue
            if group.state == "PROVISIONING":
                return group
            if group.state != "AVAILABLE":
                continue
            tags = [self._calls.volume(one).tags.get(BACKUP_TAG, TAG) for one in group.volume_ids]
            if set(tags) == {TAG}:
                return group
        return None

    def _named(self, group: BlockGroup, backup: GroupBackup) -> None:
        """Tag the volumes, so that what costs money can be found; one that is not tagged is named."""
        for volume_id in group.volume_ids:
            try:
                volume = self._calls.volume(volume_id)
                if volume.tags.get(BACKUP_TAG) != TAG:
                    self._calls.tag(volume, {BACKUP_TAG: TAG})
            except FailoverError as error:
                self._report.notes += (f"volume {volume_id} of {backup.name} is not tagged: {error.reason}",)

    def _say_what_next(self, stack: Stack, group: BlockGroup, backup: GroupBackup) -> None:
        age = duration(max((datetime.now(UTC) - backup.moment).total_seconds(), 0.0))
        others = [name for name in stack.servers if name != stack.active]
        target = others[0] if len(others) == 1 else "SERVER"
        self._report.notes += (
            f"volume group {group.name} ({group.id}) has {len(group.volume_ids)} volumes as they were "
            f"{age} ago; they cost money until they are deleted",
            f"`./inv failover --active {target} --volumes-from {group.id}` says what would be lost, and "
            "takes them with --accept-loss",
        )


def one_named(option: str, kind: str, name: str, known: Sequence[Copy]) -> Copy:
    """The only one of this name. Raises Refused for none and for several, with those that there are. Pure."""
    same = [one for one in known if one.name == name]
    if len(same) == 1:
        return same[0]
    listed = [f"{one.name} ({one.id}, {one.created:%Y-%m-%d %H:%M})" for one in same or known]
    raise Refused(
        f"{option} {name}: found {len(same)} {kind} of that name, expected one",
        f"name one by its OCID; there are: {', '.join(listed) or 'none'}",
    )


def fit(backup: GroupBackup, parts: Sequence[VolumeBackup], volumes: Mapping[str, BlockVolume]) -> None:
    """Raise Refused for a backup that could not stand in for the site's volumes. Pure."""
    if backup.state != "AVAILABLE":
        raise Refused(f"backup {backup.name} is {backup.state}, expected AVAILABLE", "wait; or " + _LOOK)
    for name, volume in volumes.items():
        same = [one for one in parts if one.volume_id in (volume.id, volume.source_id)]
        if len(same) != 1:
            raise Refused(
                f"backup {backup.name} has {len(same)} backups of {name} ({volume.id}), expected one", _LOOK
            )
        if same[0].size_gbs < volume.size_gbs:
            raise Refused(
                f"backup {backup.name} has {name} with {same[0].size_gbs} GB, and {name} has "
                f"{volume.size_gbs} GB today: it was made larger since",
                _LOOK,
            )
