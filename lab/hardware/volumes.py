"""Block volumes: one iSCSI target each, served by a tgtd of this lab inside its namespace.

tgtd writes through the page cache: what is proven with these volumes holds for servers that lose power, not
for a storage that does.
"""

import json
import os
import re
import signal
import subprocess
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lab.hardware import network
from lab.hardware.machine import Portal
from lab.system.command import run
from lab.system.errors import HardwareError
from lab.system.file_lock import held
from lab.system.paths import RunDirectory, short_name
from lab.system.processes import kill, pid_of
from lab.system.waiting import until

# twice as many as an instance can have volumes: each attachment gets one that its volume did not have last
PORTALS = tuple(f"169.254.2.{last}" for last in range(2, 66))
PORT = 3260
READY_SECONDS = 10
_COPY_SECONDS = 60.0
NOT_BOUND = 22  # tgtadm's exit code for an address that has no rule


@dataclass(frozen=True)
class VolumeRecord:
    """One volume's record. `portal` is the address of its newest attachment, and stays until the next one."""

    volume_id: str
    target: int
    iqn: str
    size_gbs: int
    portal: str = ""
    holder: str = ""
    holder_address: str = ""


@dataclass(frozen=True)
class VolumeService:
    """One lab's block volume service. Its records survive its own death and the caller's."""

    lab: RunDirectory

    def up(self) -> None:
        """Start tgtd unless it runs, with the targets and bindings on record."""
        if pid := self._pid():
            os.kill(pid, signal.SIGCONT)  # one that was left standing when its lab's API was killed
            return
        self.lab.tgtd.mkdir(parents=True, exist_ok=True)
        self.lab.volumes.mkdir(parents=True, exist_ok=True)
        (self.lab.tgtd / "socket.0").unlink(missing_ok=True)
        pid_file = str(self.lab.tgtd / "pid")
        # in the foreground tgtd writes no pid file, and as a daemon it loses the folder of its socket
        argv = ["setsid", "--fork", "sh", "-c", 'echo $$ > "$0" && exec "$@"', pid_file]
        argv += [*network.inside(self.lab), "tgtd", "-f", "--pid-file", pid_file]
        with (self.lab.tgtd / "log").open("ab") as log:
            subprocess.run(argv, cwd=self.lab.tgtd, env=_environment(), stdout=log, stderr=log, check=True)
        self._await_ready()
        with self._records() as records:
            for volume in records.values():
                self._serve(volume)

    def down(self) -> None:
        """Stop tgtd if it runs."""
        kill(self._pid())

    def create(self, volume_id: str, size_gbs: int) -> str:
        """Make an empty volume and its target; its IQN. The same volume again is success."""
        with self._records() as records:
            if volume_id not in records:
                target = 1 + max((volume.target for volume in records.values()), default=0)
                iqn = f"iqn.2015-12.com.oracleiaas:{uuid.uuid4()}"
                records[volume_id] = volume = VolumeRecord(volume_id, target, iqn, size_gbs)
                with self._file(volume).open("wb") as file:
                    file.truncate(size_gbs * 2**30)
                self._serve(volume)
                self._save(records)
            return records[volume_id].iqn

    def clone(self, copies: Mapping[str, str]) -> dict[str, str]:
        """Make volumes (by their OCID) of others' data, all of one moment; their IQNs. Repeated is success.

        tgtd stands still while the files are copied, so that no write falls between two of them.
        Raises HardwareError for a source that is not there.
        """
        with self._records() as records:
            fresh = {copy: _known(records, source) for copy, source in copies.items() if copy not in records}
            made: dict[str, VolumeRecord] = {}
            for copy, source in fresh.items():
                target = 1 + max(volume.target for volume in (*records.values(), *made.values()))
                iqn = f"iqn.2015-12.com.oracleiaas:{uuid.uuid4()}"
                made[copy] = VolumeRecord(copy, target, iqn, source.size_gbs)
            with self._standing_still():
                for copy, source in fresh.items():
                    files = (self._file(source), self._file(made[copy]))
                    run(["cp", "--sparse=always", "--reflink=auto", *files], deadline_seconds=_COPY_SECONDS)
            for volume in made.values():
                self._serve(volume)
            records.update(made)
            self._save(records)
            return {copy: records[copy].iqn for copy in copies}

    @contextmanager
    def _standing_still(self) -> Iterator[None]:
        pid = self._pid()
        if pid:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if pid:
                os.kill(pid, signal.SIGCONT)

    def grow(self, volume_id: str, size_gbs: int) -> None:
        """Make an unattached volume larger: tgtd learns a unit's size only when it is made.

        Raises HardwareError for an attached one.
        """
        with self._records() as records:
            volume = _known(records, volume_id)
            if volume.holder:
                raise HardwareError(
                    f"volume {volume_id} is attached to {volume.holder}: the lab grows detached ones only"
                )
            with self._file(volume).open("r+b") as file:
                file.truncate(max(size_gbs, volume.size_gbs) * 2**30)
            records[volume_id] = grown = replace(volume, size_gbs=max(size_gbs, volume.size_gbs))
            self._admin("delete", "target", volume, "--force")
            self._serve(grown)
            self._save(records)

    def delete(self, volume_id: str) -> None:
        """Remove an unattached volume and its data. Not there is success.

        Raises HardwareError for an attached one.
        """
        with self._records() as records:
            volume = records.get(volume_id)
            if volume is None:
                return
            if volume.holder:
                raise HardwareError(f"volume {volume_id} is attached to {volume.holder}: detach it first")
            self._admin("delete", "target", volume, "--force")
            self._retire_portal(volume)
            self._file(volume).unlink(missing_ok=True)
            del records[volume_id]
            self._save(records)

    def attach(self, volume_id: str, instance_id: str, address: str) -> Portal:
        """Let `address` log in, at a portal that this volume did not have last time.

        Raises HardwareError when another host holds it.
        """
        with self._records() as records:
            volume = _known(records, volume_id)
            if volume.holder and volume.holder != instance_id:
                raise HardwareError(f"volume {volume_id} is attached to {volume.holder}: detach it first")
            if not volume.holder:
                portal = next_portal(volume, {other.portal for other in records.values()})
                self._retire_portal(volume)
                volume = replace(volume, portal=portal, holder=instance_id, holder_address=address)
                records[volume_id] = volume
                self._save(records)  # before the binding: a binding without a record would outlive a detach
                self._bind(volume)
            return Portal(volume.iqn, volume.portal, PORT)

    def detach(self, volume_id: str, instance_id: str) -> None:
        """Let the instance log in no more and cut its live sessions. Not attached to it is success."""
        with self._records() as records:
            volume = records.get(volume_id)
            if volume is None or volume.holder != instance_id:
                return
            self._admin("unbind", "target", volume, "-I", volume.holder_address, tolerated=(0, NOT_BOUND))
            self._cut_sessions(volume)
            records[volume_id] = replace(volume, holder="", holder_address="")
            self._save(records)

    def admit(self, volume_ids: Iterable[str], address: str) -> None:
        """Let a second host log in beside the holder, as OCI's shareable attachments do; a detach keeps it.

        Beside the API, which gives a volume to one host: for measurements of a cluster (bench/pacemaker).
        """
        with self._records() as records:
            for volume_id in volume_ids:
                self._admin("bind", "target", _known(records, volume_id), "-I", address)

    def initiators(self) -> dict[str, set[str]]:
        """By volume OCID: the addresses of the hosts that are logged in to it now."""
        path = self.lab.volume_records
        records = [VolumeRecord(**fields) for fields in json.loads(path.read_text())] if path.exists() else []
        return {
            volume.volume_id: {
                address for *_, address in live_connections(self._admin("show", "conn", volume))
            }
            for volume in records
        }

    def _serve(self, volume: VolumeRecord) -> None:
        self._admin("new", "target", volume, "-T", volume.iqn)
        unit = ("--lun", "1")
        self._admin("new", "logicalunit", volume, *unit, "-b", str(self._file(volume)))
        serial = volume.iqn.rpartition(":")[2].replace("-", "")
        described = f"vendor_id=ORACLE,product_id=BlockVolume,scsi_sn={serial},scsi_id={serial[-16:]}"
        self._admin("update", "logicalunit", volume, *unit, "--params", described)
        if volume.holder:
            self._bind(volume)

    def _bind(self, volume: VolumeRecord) -> None:
        # by address only: tgt lets in what matches the address or the name, and any host can claim a name
        network.add_portal(self.lab, volume.portal)
        self._admin("bind", "target", volume, "-I", volume.holder_address)

    def _retire_portal(self, volume: VolumeRecord) -> None:
        # a host that still believes in the former attachment's address must find nobody there, as on OCI
        if volume.portal:
            network.remove_portal(self.lab, volume.portal)

    def _cut_sessions(self, volume: VolumeRecord) -> None:
        shown = self._admin("show", "conn", volume)
        for session, connection, address in live_connections(shown):
            if address == volume.holder_address:
                self._admin("delete", "conn", volume, "--sid", session, "--cid", connection)

    def _admin(
        self, operation: str, mode: str, volume: VolumeRecord, *words: str, tolerated: tuple[int, ...] = (0,)
    ) -> str:
        argv = ["tgtadm", "--lld", "iscsi", "--op", operation, "--mode", mode, "--tid", str(volume.target)]
        done = run([*argv, *words], cwd=self.lab.tgtd, env=_environment(), tolerated=tolerated)
        return done.stdout

    def _await_ready(self) -> None:
        if not until(self._is_ready, READY_SECONDS):
            message = (self.lab.tgtd / "log").read_text(errors="replace")[-500:]
            raise HardwareError(f"tgtd is not ready after {READY_SECONDS} s: {message}")

    def _is_ready(self) -> bool:
        argv = ["tgtadm", "--lld", "iscsi", "--op", "show", "--mode", "sys"]
        done = run(argv, cwd=self.lab.tgtd, env=_environment(), tolerated=tuple(range(256)))
        return "State: ready" in done.stdout

    def _file(self, volume: VolumeRecord) -> Path:
        return self.lab.volumes / f"{short_name(volume.volume_id)}.img"

    def _pid(self) -> int | None:
        return pid_of(self.lab.tgtd / "pid", str(self.lab.tgtd / "pid"))

    @contextmanager
    def _records(self) -> Iterator[dict[str, VolumeRecord]]:
        """The records, under a lock that other threads and processes heed too."""
        path = self.lab.volume_records
        with held(path.with_suffix(".lock")):
            text = path.read_text() if path.exists() else "[]"
            records = {fields["volume_id"]: VolumeRecord(**fields) for fields in json.loads(text)}
            yield records

    def _save(self, records: dict[str, VolumeRecord]) -> None:
        temporary = self.lab.volume_records.with_suffix(".new")
        temporary.write_text(json.dumps([asdict(volume) for volume in records.values()], indent=1))
        temporary.rename(self.lab.volume_records)


def live_connections(shown: str) -> list[tuple[str, str, str]]:
    """(session, connection, initiator's address) of every connection in tgtadm's list of connections."""
    pattern = r"Session: (\d+)\s+Connection: (\d+)\s+Initiator: .*\s+IP Address: (\S+)"
    return [(match[1], match[2], match[3]) for match in re.finditer(pattern, shown)]


def next_portal(volume: VolumeRecord, used: set[str]) -> str:
    """The address for the volume's next attachment: in turn, and never one that a volume has or had last.

    Raises HardwareError when all are taken.
    """
    start = PORTALS.index(volume.portal) + 1 if volume.portal else 0
    for portal in PORTALS[start:] + PORTALS[:start]:
        if portal not in used:
            return portal
    raise HardwareError(f"all {len(PORTALS)} portals are taken: delete a volume")


def _known(records: dict[str, VolumeRecord], volume_id: str) -> VolumeRecord:
    if volume_id not in records:
        raise HardwareError(f"no volume {volume_id}: known are {', '.join(sorted(records)) or 'none'}")
    return records[volume_id]


def _environment() -> dict[str, str]:
    # relative to the folder both tools run in: a socket's path may have no more than 107 bytes
    return {**os.environ, "TGT_IPC_SOCKET": "socket"}
