"""Faults to rehearse with: a call that is refused, slow, hung, lost after it was done, or never finishes."""

import json
import threading
from dataclasses import asdict, dataclass

from lab.api.core.errors import ApiError, invalid
from lab.api.core.store import Document, Store

LONGEST_HANG_SECONDS = 3600.0


@dataclass(frozen=True)
class Fault:
    """What goes wrong with calls of `operation` ("AttachVolume"; "*" for any).

    `resource`: only calls that name this OCID. `status`, `code`, `message`: the answer; status 0 lets the
    call through. `delay`: seconds before the answer. `hang`: the connection is cut, but not before the faults
    are cleared. `drop`: it is cut at once. `after`: the call is carried out first. `stuck`: the state change
    that the call begins does not end until the faults are cleared. `refusal`: it ends in the hardware's
    refusal with this text. `count`: how many calls; 0 is all.
    """

    operation: str
    resource: str = ""
    status: int = 0
    code: str = "InternalError"
    message: str = "injected fault"
    delay: float = 0.0
    hang: bool = False
    drop: bool = False
    after: bool = False
    stuck: bool = False
    refusal: str = ""
    count: int = 1

    def error(self) -> ApiError | None:
        return ApiError(self.status, self.code, self.message) if self.status else None


class ConnectionDroppedError(Exception):
    """The fault asks for no answer at all."""


class Faults:
    """The faults in force; kept in the store, so they outlive a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cleared = threading.Event()

    def inject(self, document: Document) -> Fault:
        """Add one; raises 400 InvalidParameter when a field is unknown."""
        try:
            fault = Fault(**document)
        except TypeError as error:
            raise invalid(f"not a fault: {error}") from None
        self._cleared.clear()
        statement = "INSERT INTO faults (operation, remaining, rule) VALUES (?, ?, ?)"
        self._store.execute(statement, fault.operation, fault.count or None, json.dumps(asdict(fault)))
        return fault

    def clear(self) -> None:
        """Forget all faults and let hung calls go."""
        self._store.execute("DELETE FROM faults")
        self._cleared.set()

    def in_force(self) -> list[Fault]:
        return [Fault(**json.loads(row["rule"])) for row in self._store.execute("SELECT * FROM faults")]

    def meet(self, operation: str, mentioned: str) -> Fault | None:
        """The oldest fault that fits the call, counted down; `mentioned`: text that may name its resource."""
        with self._store.transaction():
            for row in self._store.execute("SELECT * FROM faults ORDER BY seq"):
                fault = Fault(**json.loads(row["rule"]))
                if fault.operation in (operation, "*") and fault.resource in mentioned:
                    self._count_down(row["seq"], row["remaining"])
                    return fault
        return None

    def _count_down(self, seq: int, remaining: int | None) -> None:
        if remaining == 1:
            self._store.execute("DELETE FROM faults WHERE seq = ?", seq)
        elif remaining is not None:
            self._store.execute("UPDATE faults SET remaining = remaining - 1 WHERE seq = ?", seq)

    def act(self, fault: Fault) -> None:
        """Wait as the fault says, then raise its error or ConnectionDroppedError, if it has either."""
        self._cleared.wait(LONGEST_HANG_SECONDS if fault.hang else fault.delay)
        if fault.drop or fault.hang:
            raise ConnectionDroppedError(fault.message)
        error = fault.error()
        if error:
            raise error
