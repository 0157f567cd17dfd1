"""What a failover promises, looked at on the guests and in the cloud without the operator's side."""

from __future__ import annotations

from lab.drill import enforced
from lab.drill.result import DrillResult, Switchover
from lab.drill.writer_record import Record, Witness
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, IMAGE_MARK, SERVER, SUCCESSOR


class Proof:
    """Looks after a move of the service to `target`; what is not right goes into the story's `missing`."""

    def __init__(self, lab: Lab, witness: Witness, story: DrillResult, target: str) -> None:
        self._lab = lab
        self._witness = witness
        self._story = story
        self._target = target

    def check(self, move: Switchover, lose: int | None) -> None:
        """Client, data, server, Terraform. `lose`: a record to remove first, to see the proof fail."""
        self._lab.trust(self._target)
        self._witness.await_records(5)
        self._client()
        self._witness.stop()
        if lose is not None:
            self._witness.lose(ADDRESSES[self._target], lose)
        self._records(self._witness.read(ADDRESSES[self._target]), move)
        self._server()
        self._attachments()
        self._shaped()
        changes = self._lab.pending_changes()
        self._story.second_plan_changes = changes
        self._story.require(changes == 0, f"a second Terraform plan has {changes} changes")

    def _shaped(self) -> None:
        """What guests shaped like EL have: also of a server that released in a planned switchover."""
        if not self._lab.variant.enforces:
            return
        old = (SERVER if self._target == SUCCESSOR else SUCCESSOR,) if self._story.mode == "alive" else ()
        self._story.missing += enforced.complaints(self._lab, (self._target, CLIENT, *old))
        if self._target == SUCCESSOR:  # launched from an image: its first boot puts the devices file aside
            self._story.missing += enforced.service(self._lab, self._target)
        elif "el9" in self._lab.variant.layers:
            volumes = len(self._lab.attachments())
            self._story.missing += enforced.unlisted(self._lab, self._target, volumes)

    def _client(self) -> None:
        folder = self._lab.shape.mount
        text = self._lab.on(CLIENT, "cat", f"{folder}/test.txt")
        self._story.require(text == "This is a test file.\n", f"test.txt reads {text!r} on {CLIENT}")
        source = self._lab.on(CLIENT, "sh", "-c", f"findmnt -n -o SOURCE {folder} || true").strip()
        right = source == self._lab.mounted_from(self._target)
        self._story.require(right, f"{folder} on {CLIENT} is {source or 'not mounted'}")
        probe = f"echo probe > {folder}/probe && sync -f {folder}/probe && cat {folder}/probe"
        read = self._lab.on(CLIENT, "sh", "-c", probe)
        self._story.require(read == "probe\n", f"{CLIENT} wrote and read back {read!r}")

    def _records(self, record: Record, move: Switchover) -> None:
        self._story.records_acknowledged = len(record.acknowledged)
        self._story.records_lost = len(record.lost)
        move.outage_seconds = record.outage_seconds
        lost = f"{len(record.lost)} acknowledged records are not in the file, first {record.lost[:3]}"
        self._story.require(not record.lost, lost)
        self._story.require(record.in_order_once, "the records in the file are not in order, each once")

    def _attachments(self) -> None:
        instance = self._lab.instance(self._target)
        for volume, attachments in self._lab.attachments().items():
            right = [(a.instance_id, a.lifecycle_state) for a in attachments] == [(instance, "ATTACHED")]
            actual = (
                ", ".join(f"{a.lifecycle_state} to {a.instance_id}" for a in attachments)
                or "attached to nobody"
            )
            self._story.require(right, f"{volume} is {actual}, expected ATTACHED once, to {self._target}")

    def _server(self) -> None:
        if self._target == SUCCESSOR:
            mark = self._lab.on(SUCCESSOR, "cat", IMAGE_MARK).strip()
            self._story.require(mark == SERVER, f"{SUCCESSOR} does not run the image of {SERVER}: {mark!r}")
        enabled = self._lab.on(self._target, "sh", "-c", "systemctl is-enabled nfs-server || true").strip()
        self._story.require(enabled == "enabled", f"nfs-server is {enabled} on {self._target}")


def fstab_fault(lab: Lab, moment: str, host: str) -> str:
    """How the host's fstab differs from what the site's owner would want at this moment; or empty."""
    text, wanted = lab.on(host, "cat", "/etc/fstab"), lab.shape.expected().get((moment, host))
    return "" if text == wanted else f"fstab of {host} ({moment}): found {text!r}, expected {wanted!r}"
