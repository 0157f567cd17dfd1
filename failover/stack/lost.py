"""Records of Terraform's state whose object the API no longer knows.

TF_PRESERVE_STATE_ON_404 keeps a record when a look at its object is answered 404, since OCI answers so to
"not authorized" too. A list that is answered is the second witness: it shows whether such objects may be seen
at all, and whether this one is among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from failover.model.instance_states import ENDING_OR_ENDED
from failover.model.outcome import Unknown
from failover.stack.addresses import ATTACHMENT, INSTANCE, SERVICE_ADDRESS, VNIC

if TYPE_CHECKING:
    from failover.cloud.inventory import CloudReads

_PREVENTED = re.compile(rf'Resource ({re.escape(INSTANCE)}\["[^"]+"\]) has lifecycle\.prevent_destroy')
Record = Mapping[str, Any]


def kept_from_destruction(text: str) -> tuple[str, ...]:
    """The launched servers that a plan would have destroyed, out of Terraform's error."""
    return tuple(dict.fromkeys(_PREVENTED.findall(" ".join(text.split()))))


def is_doubted(address: str, actions: Sequence[str]) -> bool:
    """Whether a planned change may be of something that went with a terminated server.

    A service address that is to move, an attachment that is to end and not to be made again, a VNIC that is
    to be replaced.
    """
    if address.startswith(VNIC):
        return "delete" in actions
    if address.startswith(SERVICE_ADDRESS):
        return tuple(actions) in (("update",), ("delete",))
    return address.startswith(ATTACHMENT) and tuple(actions) == ("delete",)


def records(state: Mapping[str, Any]) -> dict[str, Record]:
    """The attributes of the managed resources of a state (`terraform state pull`) by address."""
    return dict(_records(state))


def _records(state: Mapping[str, Any]) -> Iterator[tuple[str, Record]]:
    for resource in (r for r in state.get("resources", []) if r["mode"] == "managed"):
        for instance in resource["instances"]:
            key = instance.get("index_key")
            index = "" if key is None else f"[{key}]" if isinstance(key, int) else f'["{key}"]'
            yield f"{resource['type']}.{resource['name']}{index}", instance["attributes"]


def lost(state: Mapping[str, Any], kinds: Sequence[str], reads: CloudReads) -> tuple[str, ...]:
    """The addresses that begin with one of `kinds` and whose object is gone by both witnesses.

    Raises Unknown (Unanswered) when a look is answered with anything but 200 and 404, or a list with 404.
    """
    return tuple(
        address
        for address, record in records(state).items()
        if address.startswith(tuple(kinds)) and _is_lost(address, record, reads)
    )


def _is_lost(address: str, record: Record, reads: CloudReads) -> bool:
    if address.startswith(INSTANCE):
        return _missing(lambda: reads.instance(record["id"])) and not any(
            i.id == record["id"] and i.state not in ENDING_OR_ENDED
            for i in reads.instances(record["compartment_id"])
        )
    if address.startswith(ATTACHMENT):
        return _missing(lambda: reads.attachment_state(record["id"])) and not any(
            a.id == record["id"] for a in reads.attachments(record["compartment_id"], record["volume_id"])
        )
    if address.startswith(VNIC):
        return _missing(lambda: reads.vnic_attachment_state(record["id"])) and (
            record["id"] not in reads.vnic_attachments(record["compartment_id"])
        )
    if address.startswith(SERVICE_ADDRESS):
        return _missing(lambda: reads.private_ip(record["id"])) and (
            record["id"] not in {one.id for one in reads.private_ips(record["subnet_id"])}
        )
    return False


def _missing(look: Callable[[], object]) -> bool:
    """Whether the API answers 404; any other failure is raised."""
    try:
        look()
    except Unknown as error:
        if getattr(error, "status", None) == 404:
            return True
        raise
    return False
