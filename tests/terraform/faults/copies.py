"""What image, rehearse and backup (and its restore) come to when a call meets a fault: the rows.

`python -m tests.terraform.faults.copies` rewrites their table in docs/faults.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.terraform.faults.document import FILE
from tests.terraform.faults.kinds import TOLD

BEGIN, END = "<!-- copies: begin -->\n", "<!-- copies: end -->\n"
_HEAD = "| verb | call | meets | it ends | left |\n|---|---|---|---|---|\n"
GONE, NAMED, STAYS = "removed", "named, with the word that it costs money", "the volume group, which stays"
RESTORE = "backup --restore"
TAKEN_UP = "the new volume group, named, which the same command takes up"


@dataclass(frozen=True)
class CopyRow:
    """One call of a verb, the fault that each such call meets, how the verb ends; `left` of what it made."""

    verb: str
    operation: str
    kind: str
    outcome: str
    left: str = GONE

    @property
    def id(self) -> str:
        """For a test's name."""
        return f"{self.verb}-{self.operation}-{self.kind}"


ROWS = (
    CopyRow("image", "CreateBootVolume", "404", "unknown"),
    CopyRow("image", "CreateBootVolume", "lost", "unknown"),
    CopyRow("image", "LaunchInstance", "404", "unknown"),
    CopyRow("image", "LaunchInstance", "lost", "unknown"),
    CopyRow("image", "InstanceAction", "404", "unknown"),
    CopyRow("image", "CreateImage", "409", "refused"),
    CopyRow("image", "CreateImage", "lost", "unknown"),
    CopyRow("image", "TerminateInstance", "429", "unknown", NAMED),
    CopyRow("rehearse", "CreateVolumeGroup", "404", "unknown"),
    CopyRow("rehearse", "CreateVolumeGroup", "lost", "unknown"),
    CopyRow("rehearse", "UpdateVolume", "404", "failed", NAMED),
    CopyRow("rehearse", "LaunchInstance", "404", "unknown"),
    CopyRow("rehearse", "LaunchInstance", "lost", "unknown"),
    CopyRow("rehearse", "AttachVolume", "404", "unknown"),
    CopyRow("rehearse", "AttachVolume", "lost", "unknown"),
    CopyRow("rehearse", "TerminateInstance", "409", "failed", NAMED),
    CopyRow("rehearse", "DeleteVolumeGroup", "409", "failed", NAMED),
    CopyRow("rehearse", "DeleteVolume", "409", "failed", NAMED),
    CopyRow("backup", "CreateVolumeGroup", "404", "unknown"),
    CopyRow("backup", "CreateVolumeGroup", "lost", "unknown", STAYS),
    CopyRow("backup", "CreateVolumeGroupBackup", "404", "unknown", STAYS),
    CopyRow("backup", "CreateVolumeGroupBackup", "lost", "unknown", STAYS),
    CopyRow(RESTORE, "ListVolumeGroupBackups", "404", "unknown"),
    CopyRow(RESTORE, "GetVolumeBackup", "404", "unknown"),
    CopyRow(RESTORE, "CreateVolumeGroup", "404", "unknown"),
    CopyRow(RESTORE, "CreateVolumeGroup", "lost", "unknown", TAKEN_UP),
)


def with_copies(text: str) -> str:
    """The document with this table as the rows are now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [f"| `{r.verb}` | {r.operation} | {TOLD[r.kind]} | {r.outcome} | {r.left} |\n" for r in ROWS]
    return f"{before}{BEGIN}{_HEAD}{''.join(lines)}{END}{after}"


if __name__ == "__main__":
    FILE.write_text(with_copies(FILE.read_text()))
