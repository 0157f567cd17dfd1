"""One backup of all volumes: their group is found or made, its policy set, the backup taken and awaited."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from failover.cloud.block_copies import BACKUP_TAG, BlockCopies, BlockVolume
from failover.cloud.one_group import group_of, place_of
from failover.model.finding import Finding
from failover.model.outcome import Outcome, Refused, Usage
from failover.model.stack_output import Stack
from failover.model.timeline import Phase
from failover.ports import Ports
from failover.report.report import Report

KINDS = ("incremental", "full")
NO_POLICY = "none"


@dataclass(frozen=True)
class BackupChoices:
    """`kind`: one of KINDS. `policy`: a policy's name, `none` for no policy, "" to leave it as it is.

    `look`: say how old the newest backup is, and change nothing. `wait`: seconds until it is to be AVAILABLE.
    """

    kind: str = "incremental"
    policy: str = ""
    look: bool = False
    wait: float = 3600.0


class Backup:
    """One backup; fills the report. The volumes go on being used: OCI takes the backup of one moment."""

    def __init__(
        self, ports: Ports, choices: BackupChoices, report: Report, say: Callable[[str], None]
    ) -> None:
        self._ports = ports
        self._choices = choices
        self._report = report
        self._say = say
        self._copies = BlockCopies(ports.cloud.client)
        self.facts: dict[str, Any] = {}

    def run(self) -> None:
        """Look, and unless that was all: group, policy, backup. Raises Usage, Refused, Failed, Unknown."""
        if self._choices.kind not in KINDS:
            raise Usage(f"--kind {self._choices.kind}: expected {' or '.join(KINDS)}", "choose one of them")
        self._ports.runner.init()
        stack = self._ports.runner.read()
        self._report.active = stack.active
        with ThreadPoolExecutor(max_workers=8) as pool:
            ids = [volume.volume_id for volume in stack.volumes.values()]
            volumes = list(pool.map(self._copies.volume, ids))
        group = group_of(volumes)
        if self._choices.look:
            self._report_newest(stack, group)
            return
        policy = self._known_policy()
        group = group or self._grouped(stack, volumes)
        self._assign(group, policy)
        self._take(stack, group)
        self._report_newest(stack, group)
        self._report.outcome = Outcome.DONE

    def _known_policy(self) -> str | None:
        """The OCID of the chosen policy; None for none, and for no change. Raises Usage for another name."""
        name = self._choices.policy
        if name in ("", NO_POLICY):
            return None
        known = self._copies.policies()
        if name not in known:
            raise Usage(f"--policy {name}: expected {', '.join((*known, NO_POLICY))}", "choose one of them")
        return known[name]

    def _grouped(self, stack: Stack, volumes: list[BlockVolume]) -> str:
        """A volume group of these volumes, which stays: backups and their policy are its own."""
        place = (stack.compartment_id, place_of(volumes))
        ids, wait = [one.id for one in volumes], self._ports.site.deadlines.switch
        made = self._copies.make_group(
            place, f"nfs-failover-{stack.active}", ids, {BACKUP_TAG: "group"}, wait
        )
        self._report.notes += (f"the volumes are in volume group {made.name} ({made.id}) from now on",)
        return made.id

    def _assign(self, group: str, policy: str | None) -> None:
        if not self._choices.policy:
            return
        assigned = self._copies.assigned_policies(group)
        for known, assignment in assigned.items():
            if known != policy:
                self._copies.unassign_policy(assignment)
        if policy and policy not in assigned:
            self._copies.assign_policy(group, policy)

    def _take(self, stack: Stack, group: str) -> None:
        began = datetime.now(UTC)
        name = f"nfs-failover-{stack.active}-{began:%Y%m%dT%H%M%S}"
        self._say(f"backup {name} of all volumes at one moment ...")
        tags, wait = {BACKUP_TAG: "backup"}, self._choices.wait
        made = self._copies.back_up_group(group, name, self._choices.kind.upper(), tags, wait)
        seconds = (datetime.now(UTC) - began).total_seconds()
        self._report.run = name
        self._report.phases.append(Phase("backup", seconds, f"{made.name}: {made.state}"))
        self.facts = {
            "backup": made.id,
            "group": group,
            "kind": self._choices.kind,
            "gigabytes": made.size_gbs,
        }

    def _report_newest(self, stack: Stack, group: str | None) -> None:
        """How old the newest is, and which policy makes the next ones."""
        limit = self._ports.site.preflight.backup_age_days
        if group is None:
            raise Refused(
                "the volumes are in no volume group of OCI, so there is no backup of them as one", _MAKE
            )
        backups = self._copies.group_backups(stack.compartment_id, group)
        assigned = self._copies.assigned_policies(group)
        names = {ocid: name for name, ocid in self._copies.policies().items()} if assigned else {}
        policy = ", ".join(names.get(ocid, ocid) for ocid in assigned) or "none"
        self._report.findings += (Finding("backup policy", bool(assigned), policy, _ASSIGN),)
        if not backups:
            self._report.findings += (Finding("newest backup", False, "none", _MAKE),)
        else:
            days = (datetime.now(UTC) - backups[0].created).total_seconds() / 86400
            text = f"{backups[0].name}, {days:.1f} days old, of {len(backups)}"
            self._report.findings += (Finding("newest backup", days <= limit, text, _MAKE),)
        newest = self._report.findings[-1]
        if not newest.ok:
            raise Refused(f"{newest.subject}: {newest.actual}; expected at most {limit:g} days old", _MAKE)
        self._report.outcome = Outcome.NOTHING_TO_DO


_MAKE = "`./inv backup` takes one now"
_ASSIGN = "`./inv backup --policy silver` has OCI take them by itself"
