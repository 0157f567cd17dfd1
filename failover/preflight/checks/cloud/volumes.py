"""The volumes: usable, where the target can have them, and attached where Terraform's state says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from failover.cloud.resources import VolumeFacts
from failover.model.attachments import Attachment, described
from failover.model.stack_output import Stack
from failover.preflight.check import Check, blocking, ok, warning
from failover.preflight.context import Ground

_AGENT = "oracle-cloud-agent logs in to it by itself (agent_auto_iscsi_login)"
_STOP_AGENT = (
    "the next failover makes attachments without that. The agent may log in again within a minute of a "
    "release: before a planned switchover, stop it on {} (systemctl stop oracle-cloud-agent)"
)


def states(ground: Ground) -> Iterator[Check]:
    """GetVolume of each, against the target's availability domain."""
    domain = ground.target_domain()
    for name, volume in ground.stack.volumes.items():
        yield judge_volume(name, ground.volume(volume.volume_id), ground.target.name, domain)


def judge_volume(name: str, volume: VolumeFacts, server: str, domain: str | None) -> Check:
    """AVAILABLE and in the target's domain."""
    check = f"volume {name}"
    text = f"{volume.state} in {volume.availability_domain}"
    if volume.state != "AVAILABLE":
        remedy = f"wait for it, or restore {name} from its newest backup and set its volume_id"
        return blocking(check, text, "AVAILABLE", remedy)
    if domain and volume.availability_domain.lower() != domain.lower():
        return blocking(
            check,
            f"{text}, but {server} is in {domain}",
            "the same availability domain",
            f"choose a server there, or restore {name} from a backup into {domain}",
        )
    return ok(check, text)


def attachments(ground: Ground) -> Iterator[Check]:
    """ListVolumeAttachments of each, against Terraform's state."""
    by_volume = {n: ground.attachments(v.volume_id) for n, v in ground.stack.volumes.items()}
    yield from judge_attachments(ground.stack, by_volume)


def judge_attachments(stack: Stack, by_volume: Mapping[str, Sequence[Attachment]]) -> Iterator[Check]:
    """Each volume on exactly one instance, the state's, by an attachment that is not shareable."""
    for name, volume in stack.volumes.items():
        yield _judge_one(stack, name, volume.attachment_id, by_volume[name])


def _judge_one(stack: Stack, name: str, expected_id: str | None, held: Sequence[Attachment]) -> Check:
    check = f"attachment {name}"
    text = described(held, stack)
    expected = f"ATTACHED to {stack.active} alone, as the state says"
    strangers = [a.instance_id for a in held if stack.server_of(a.instance_id) is None]
    if strangers:
        remedy = "find out who attached it there and why; detach it, or add the server to `servers`"
        return blocking(check, text, expected, remedy)
    if len(held) > 1:
        remedy = "release it on the server that must not have it, then detach it there"
        return blocking(check, text, expected, remedy)
    if any(a.shareable for a in held):
        remedy = "do not attach it elsewhere; the next failover makes an attachment that is not shareable"
        return warning(check, f"{text}, shareable", expected, remedy)
    if not held or held[0].id != expected_id or held[0].state != "ATTACHED":
        remedy = f"if {stack.active} shall have it, run `failover --active {stack.active}`"
        return warning(check, text, expected, remedy)
    if held[0].agent_login:
        remedy = _STOP_AGENT.format(stack.active)
        return warning(
            check, f"{text}; {_AGENT}", f"{expected}, with the hooks as the one who logs in", remedy
        )
    return ok(check, text)
