"""In which compartments the instances of a stack are: OCI lists volume attachments by those."""

from __future__ import annotations

import threading
from collections.abc import Callable

from failover.contract import Stack
from failover.outcome import Unknown


class Missing(Unknown):
    """A call that was answered 404: not there, or not authorized."""


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
        f"a volume that nobody is seen to have may be attached to {server}, whose compartment is not known: "
        f"{error.reason}",
        f"check the policies: allow yourself to read instances in the compartment of {server}; if it is gone "
        "for good, take it out of `servers` and apply the stack; or name its compartment_id there",
    )
