"""Are we let in, and is each call answered that a run will make?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from failover.cloud.inventory import Unanswered
from failover.preflight.check import Check, ok
from failover.preflight.context import Ground
from failover.preflight.runner import Probe, unanswered

AUTHENTICATION = "OCI access"


def authentication(ground: Ground) -> Iterator[Check]:
    """One cheap read: a 404 here still proves that the key is accepted."""
    try:
        ground.instances()
    except Unanswered as error:
        if error.status not in (403, 404):
            yield unanswered(AUTHENTICATION, error, ground.stack.compartment_id, advisory=False)
            return
    yield ok(AUTHENTICATION, f"the key of profile {ground.site.cloud.profile} is accepted")


def calls(ground: Ground) -> tuple[Probe, ...]:
    """A probe for each operation that a run reads by; the first call without an answer is the result."""
    return tuple(
        Probe(f"call {operation}", partial(_answered, f"call {operation}", questions))
        for operation, questions in reads(ground).items()
    )


def _answered(name: str, questions: list[Callable[[], object]], _: Ground) -> Iterator[Check]:
    for question in questions:
        question()
    yield ok(name, "answered")


def reads(ground: Ground) -> dict[str, list[Callable[[], object]]]:
    """The reads of a run by operation. Terraform's own are covered by its plan."""
    stack = ground.stack
    servers = [s for s in stack.servers.values() if s.instance_id]
    volumes = [v.volume_id for v in stack.volumes.values()]
    by_operation: dict[str, list[Callable[[], object]]] = {
        "ListInstances": [ground.instances],
        "GetInstance": [partial(ground.server_state, s) for s in servers],
        "ListVolumeAttachments": [partial(ground.attachments, v) for v in volumes],
        "GetVolume": [partial(ground.volume, v) for v in volumes],
    }
    launch = ground.target.launch
    if launch and not ground.target.exists:
        by_operation["GetImage"] = [partial(ground.image, launch.image_id)]
        by_operation["GetSubnet"] = [partial(ground.subnet, launch.subnet_id)]
    return by_operation
