"""In which compartments the instances of a stack are: OCI lists volume attachments by those."""

from __future__ import annotations

import threading
from collections.abc import Callable

from failover.model.outcome import Unknown
from failover.model.stack_output import Server, Stack

UNREADABLE = "UNREADABLE"  # in the place of a state: a 404, and no second witness


class Missing(Unknown):
    """A call that was answered 404: not there, or not authorized."""


def state_of_missing(
    server: Server, stack: Stack, holds: Callable[[], bool], is_listed: Callable[[str], bool]
) -> str | None:
    """The state of an instance that GetInstance answers with 404; None when the 404 proves nothing.

    TERMINATED when the list of its compartment, answered, has no such instance: OCI forgets one that was
    terminated. A terminated instance holds no volume: one that holds a volume is only hidden from us, and may
    run. UNREADABLE when its compartment is not known. `is_listed`: whether a compartment's list has it alive.
    """
    place = stack.compartment_of(server)
    if holds() or (place and is_listed(place)):
        return None
    return "TERMINATED" if place else UNREADABLE


class Places:
    """The compartments of the stack's instances; asked once for each instance.

    `look`: the compartment of an instance by the API; raises Missing for a 404, Unknown for other failures.
    """

    def __init__(self, look: Callable[[str], str]) -> None:
        self._look = look
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def of(self, stack: Stack) -> tuple[tuple[str, ...], tuple[Missing, ...]]:
        """The compartments, and an error for each server whose compartment could not be learnt."""
        with self._lock:
            return self._of(stack)

    def _of(self, stack: Stack) -> tuple[tuple[str, ...], tuple[Missing, ...]]:
        places, unread = [stack.compartment_id], []
        for server in stack.servers.values():
            if server.instance_id is None:
                continue
            try:
                places.append(self._of_instance(server.instance_id))
            except Missing as error:
                if place := stack.compartment_of(server):
                    places.append(place)
                else:
                    unread.append(_unlearnt(server.name, error))
        return tuple(dict.fromkeys(places)), tuple(unread)

    def _of_instance(self, instance_id: str) -> str:
        if instance_id not in self._known:
            self._known[instance_id] = self._look(instance_id)
        return self._known[instance_id]


def _unlearnt(server: str, error: Missing) -> Missing:
    return Missing(
        f"a volume without a visible attachment may be attached to {server}, whose compartment is not known: "
        f"{error.reason}",
        f"check the policies: allow yourself to read instances in the compartment of {server}; if it is gone "
        "for good, take it out of `servers` and apply the stack; or name its compartment_id there",
    )
