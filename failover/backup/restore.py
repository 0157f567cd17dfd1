"""The site's volumes replaced by a group of copies: what fits, what would be lost, and the one difference.

The copies become the site's volumes by name, in the switch of a failover. Those of before are detached then,
and kept. Nothing here deletes, formats or renames: LVM and filesystems are known by their own identities,
which a clone has in common with its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from failover.backup.from_backup import BACKUP, one_named
from failover.cloud.acting import NotFound
from failover.cloud.block_copies import BACKUP_TAG, BlockCopies, BlockGroup, BlockVolume
from failover.model.duration import duration
from failover.model.observation import Observation
from failover.model.outcome import FailoverError, Refused, Usage
from failover.model.stack_output import Stack
from failover.ports import Ports
from failover.tfvars import variables
from failover.tfvars.write import FileChange

_GROUP = "ocid1.volumegroup."
_FIRST = "choose another group, or make a clone with `./inv failover --backup clone`"


@dataclass(frozen=True)
class Copies:
    """The volumes that the site shall have. `volumes` and `before`: by the site's name.

    `moment`: all of the data is of it; None where the group is no clone, so that OCI does not know.
    """

    group: BlockGroup
    volumes: Mapping[str, BlockVolume]
    before: Mapping[str, BlockVolume]
    moment: datetime | None

    @property
    def are_there(self) -> bool:
        """Whether the site has these volumes already: an earlier run got so far."""
        return {n: v.id for n, v in self.volumes.items()} == {n: v.id for n, v in self.before.items()}

    def loss(self, now: datetime) -> str:
        """What is given up, with its time span."""
        if self.moment is None:
            return (
                f"what was written since the volumes of {self.group.name} were in use last, whenever that was"
            )
        at = self.moment.astimezone(UTC)
        span = duration(max((now - at).total_seconds(), 0.0))
        return f"all that was written since {at:%Y-%m-%d %H:%M:%S} UTC ({span})"


@dataclass
class Restore:
    """Volumes to be replaced in this run. `change`: of the file of variables, shown before it is written.

    `original`: the text of that file before.
    """

    copies: Copies
    change: FileChange
    original: str
    ports: Ports

    def write(self) -> None:
        """Name the copies to Terraform. Raises OSError."""
        self.change.write()

    def undo(self) -> None:
        """Write the file as it was before this run. Raises OSError."""
        replace(self.change, text=self.original).write()

    def of(self, stack: Stack) -> Stack:
        """The stack with the copies as its volumes: what Terraform's state will say after the switch."""
        new = {n: replace(v, volume_id=self.copies.volumes[n].id) for n, v in stack.volumes.items()}
        return replace(stack, volumes=new)

    def keep_old(self) -> str:
        """Tag the volumes of before, which are detached now, and name them."""
        calls, kept = BlockCopies(self.ports.cloud.client), []
        for name, volume in self.copies.before.items():
            kept.append(f"{name} ({volume.id})")
            try:
                calls.tag(volume, {BACKUP_TAG: f"replaced {name}"})
            except FailoverError as error:
                kept.append(f"not tagged: {error.reason}")
        return f"the volumes of before are detached and kept: {', '.join(kept)}"


def look(
    ports: Ports, observation: Observation, wanted: str, now: datetime, accept_loss: bool
) -> Restore | None:
    """What is to be replaced; None where the site has these volumes already.

    Raises Usage, Refused or Unknown with the reason and the remedy; nothing was changed.
    """
    stack, target = observation.stack, observation.stack.servers[observation.target]
    if wanted.startswith(BACKUP):
        raise Usage(
            f"--volumes-from {wanted} is a backup; expected a volume group",
            f"`./inv backup --restore {wanted}` makes one of it, and names it",
        )
    if ports.site.terraform.stack_id:
        raise Usage(
            "--volumes-from: the stack is in Resource Manager, which has the volumes' OCIDs in its variables",
            "change volumes or volume_ids there; or run it on the stack's folder: --via terraform",
        )
    copies = _copies(BlockCopies(ports.cloud.client), stack, wanted)
    if copies.are_there:
        return None
    fit(copies)
    change = _change(ports.site.terraform.checkout or ports.site.terraform.directory, copies)
    _refuse_attached(ports, stack, copies, None if change.needed else target.instance_id)
    if not accept_loss:
        raise Refused(
            f"the copies in {copies.group.name} lack {copies.loss(now)}",
            "--accept-loss gives that up; the volumes of now are detached and kept",
        )
    return Restore(copies, change, change.before, ports)


def fit(copies: Copies) -> None:
    """Raise Refused for copies that cannot stand in for the volumes."""
    group = copies.group
    if group.state != "AVAILABLE":
        raise Refused(f"volume group {group.name} is {group.state}, expected AVAILABLE", "wait, then again")
    for name, volume in copies.volumes.items():
        old = copies.before[name]
        if volume.state != "AVAILABLE":
            raise Refused(
                f"{volume.name} for {name} is {volume.state}, expected AVAILABLE", "wait; or look at it"
            )
        if volume.availability_domain.lower() != old.availability_domain.lower():
            raise Refused(
                f"{volume.name} for {name} is in {volume.availability_domain}, and the site in "
                f"{old.availability_domain}: a volume attaches only inside its own availability domain",
                f"create the copy in {old.availability_domain}",
            )
        if volume.size_gbs < old.size_gbs:
            raise Refused(
                f"{volume.name} for {name} has {volume.size_gbs} GB, expected at least {old.size_gbs} GB: "
                f"{name} was made larger since",
                _FIRST,
            )


def paired(
    stack_ids: Mapping[str, str], before: Sequence[BlockVolume], copies: Sequence[BlockVolume], group: str
) -> dict[str, BlockVolume]:
    """By the site's name: the volume of the group that is its copy, its source, or a copy of the same source.

    Raises Refused where a volume of the site has none, or several.
    """
    known = {volume.id: volume for volume in before}
    pairs: dict[str, BlockVolume] = {}
    for name, ocid in stack_ids.items():
        same = [v for v in copies if _lineage(v) & _lineage(known[ocid])]
        if len(same) != 1:
            many = ", ".join(f"{v.name} ({v.id})" for v in same) or "none"
            lost = [v.name for v in copies if v.is_restored]
            why = f" ({', '.join(lost)}: OCI no longer has the backup that they were made of)" if lost else ""
            raise Refused(
                f"of {name} ({ocid}) volume group {group} has {many}; expected one copy{why}", _FIRST
            )
        pairs[name] = same[0]
    return pairs


def _lineage(volume: BlockVolume) -> set[str]:
    return {ocid for ocid in (volume.id, volume.source_id) if ocid}


def _copies(calls: BlockCopies, stack: Stack, wanted: str) -> Copies:
    group = calls.group(wanted) if wanted.startswith(_GROUP) else _by_name(calls, stack, wanted)
    ids = {name: volume.volume_id for name, volume in stack.volumes.items()}
    with ThreadPoolExecutor(max_workers=8) as pool:
        before = list(pool.map(calls.traced_volume, ids.values()))
        copies = list(pool.map(calls.traced_volume, group.volume_ids))
    pairs = paired(ids, before, copies, group.name)
    return Copies(group, pairs, dict(zip(ids, before, strict=True)), _moment(calls, group))


def _moment(calls: BlockCopies, group: BlockGroup) -> datetime | None:
    """Of which moment the group's data is; None where OCI does not know."""
    if group.cloned_from:
        return group.created
    if group.restored_from is None:
        return None
    try:
        return calls.group_backup(group.restored_from).moment
    except NotFound:
        return None


def _by_name(calls: BlockCopies, stack: Stack, name: str) -> BlockGroup:
    return one_named("--volumes-from", "volume groups", name, calls.groups(stack.compartment_id))


def _refuse_attached(ports: Ports, stack: Stack, copies: Copies, begun: str | None) -> None:
    """`begun`: the instance that a run which was cut off in the switch has attached some of them to."""
    for name, volume in copies.volumes.items():
        attachments = ports.cloud.attachments(stack, volume.id)
        if live := [one for one in attachments if one.instance_id != begun]:
            on = ", ".join(f"{one.instance_id} ({one.state})" for one in live)
            raise Refused(
                f"{volume.name} for {name} is attached to {on}",
                "find out who uses it, and detach it; or choose another group",
            )


def _change(folder: Path, copies: Copies) -> FileChange:
    """The difference in the file of variables. Raises Refused where no file names the volumes by OCID."""
    place = variables.written_volumes(folder)
    before = {name: volume.id for name, volume in copies.before.items()}
    after = {name: volume.id for name, volume in copies.volumes.items()}
    if place is None or dict(place.volume_ids) not in (before, after):
        where = f"{place.file}: {dict(place.volume_ids)}" if place else f"no file in {folder}"
        raise Refused(
            f"Terraform's variables do not name the site's volumes by their OCIDs: found {where}, "
            f"expected volumes with {before}",
            "a volume that Terraform made itself is first named by its volume_id (terraform/README.md)",
        )
    text = place.file.read_text(encoding="utf-8")
    if dict(place.volume_ids) == after:  # a run that was cut off has written it
        return FileChange(place.file, text)
    try:
        return FileChange(place.file, variables.with_volumes(text, place.file.name, after))
    except ValueError as error:
        raise Refused(f"{place.file}: {error}", "write each volume_id as a plain text") from error
