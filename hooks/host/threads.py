"""Work beside other work, on plain threads: concurrent.futures takes longer to import than the work does.

Nothing here changes the host.
"""

import threading
from typing import Callable, Generic, List, Optional, Sequence, TypeVar

T = TypeVar("T")
Item = TypeVar("Item")


class Begun(Generic[T]):
    """A call that was begun, beside whatever its caller does meanwhile."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: List[T] = []
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001 - raised again, in its caller's thread
            self._error = error

    def ended(self) -> None:
        """Returns when the call has ended, whatever came of it."""
        self._thread.join()

    def result(self) -> T:
        """What the call gave, when it has ended. Raises what it raised."""
        self.ended()
        if self._error is not None:
            raise self._error
        return self._result[0]


def for_each(work: Callable[[Item], T], items: Sequence[Item], at_once: int) -> List[T]:
    """What `work` gives for each item, in their order; at most so many at once.

    Raises the error of the first item that has one, when all have ended.
    """
    turns = threading.Semaphore(at_once)

    def one(item: Item) -> T:
        with turns:
            return work(item)

    begun = [Begun(lambda item=item: one(item)) for item in items]  # type: ignore[misc]
    for call in begun:
        call.ended()
    return [call.result() for call in begun]
