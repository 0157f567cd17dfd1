"""The host that takes the clones over: a throw-away server, or one that stands by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from failover.deadline import until
from failover.hosts.hook_runner import HookRunner
from failover.hosts.ssh import Silent, wait_until_answers
from failover.model.attachments import Attachment
from failover.model.finding import Finding
from failover.model.host.hook_report import HookReport
from failover.model.host.host_spec import ServerDocument
from failover.model.outcome import Failed, Unknown
from failover.model.stack_output import Stack
from failover.ports import Ports
from failover.rehearse.clone_spec import clone_spec, offered_to_others
from hooks.contract.result import PRESENT, Layer
from hooks.layers.filesystem import NAME as FILESYSTEM
from hooks.layers.nfs import NAME as NFS

THROW_AWAY = "rehearsal"  # the name of the throw-away server's host


@dataclass(frozen=True)
class CloneHost:
    """A host with clones. `clones`: their OCIDs by the volume's name; `attached`: by the clone's OCID."""

    host: HookRunner
    stack: Stack
    clones: Mapping[str, str]
    attached: Mapping[str, Attachment]
    seconds: float

    def take_over(self) -> HookReport:
        """What a takeover does, by the same hooks. Raises Failed with the layer that failed."""
        return self._did("apply")

    def exports(self, report: HookReport) -> Finding:
        """Whether the site's folders are offered to nobody but the host itself, by its own table."""
        facts = next((layer.facts for layer in report.layers if layer.layer == NFS), {})
        others = offered_to_others(facts.get("exported"), self.stack)
        actual = f"offered to {', '.join(others)}" if others else "offered to nobody but the host itself"
        return Finding("exports", not others, actual)

    def read(self) -> tuple[Layer, ...]:
        """The canaries of every folder, read from the clones."""
        return self._answer("probe").layers

    def unmount(self) -> HookReport:
        """Only exports and mounts are given up: the logical volumes stay, to be checked."""
        return self._did("release", (NFS, FILESYSTEM))

    def check(self, seconds: float) -> tuple[Finding, ...]:
        """A finding for each filesystem, by its own checker, which repairs nothing."""
        spec = clone_spec(self.stack, self.clones, self.attached, seconds)
        layers = self._hooks("fsck", spec, seconds).layers
        return tuple(Finding(x.layer, x.state == PRESENT, x.message or x.state) for x in layers)

    def withhold(self) -> HookReport:
        """What the image exports of the site's is put out of force, before the clones are there."""
        return self._did("withhold")

    def release(self) -> HookReport:
        """Everything is given up: exports, mounts, volume groups, iSCSI sessions."""
        return self._did("release")

    def _answer(self, action: str) -> HookReport:
        spec = clone_spec(self.stack, self.clones, self.attached, self.seconds)
        return self._hooks(action, spec, self.seconds)

    def _did(self, action: str, only: tuple[str, ...] = ()) -> HookReport:
        spec = clone_spec(self.stack, self.clones, self.attached, self.seconds)
        report = self._hooks(action, spec, self.seconds, only)
        if not report.ok:
            raise Failed(
                f"{report.host}: hooks {action}: {report.result.message}",
                "a failover would fail in the same way: mend its cause, then rehearse again",
            )
        return report

    def _hooks(
        self, action: str, spec: ServerDocument, seconds: float, only: tuple[str, ...] = ()
    ) -> HookReport:
        """Raises Unknown for a host that does not answer: it may have the clones mounted."""
        try:
            return self.host.hooks(action, spec, seconds, only)
        except Silent as error:
            raise Unknown(
                f"{self.host.ssh.name}: hooks {action}: {error}",
                f"mend the way to {self.host.ssh.name}, or power it off; then `./inv rehearse --clean`",
            ) from error


def reach_throw_away(ports: Ports, instance_id: str, address: str) -> HookRunner:
    """The throw-away server over SSH, by the keys on its console. Raises Unknown when it does not boot."""
    seconds = ports.site.deadlines.boot
    keys = until(lambda: ports.cloud.host_keys(instance_id), bool, seconds)
    if not keys:
        raise Unknown(
            f"the throw-away server shows no SSH host key on its console within {seconds:.0f} s",
            "its image does not boot as it should: look at the console's history of such a server",
        )
    ports.hosts.keys.pin(address, instance_id, keys)
    host = ports.hosts.at(THROW_AWAY, address)
    wait_until_answers(host.ssh, seconds)
    return host
