"""Carries out state changes when they are due, from the list in the store: a killed API goes on later."""

import sqlite3
import sys
import threading
import time
import traceback
from concurrent.futures import Future, ThreadPoolExecutor, wait

from lab.api.core.call import Tenancy
from lab.api.core.store import Document
from lab.api.core.transition import StateTransition
from lab.api.core.work_requests import close_work_request
from lab.api.http.steps import STEPS
from lab.hardware.hardware import Hardware, HardwareError

LONGEST_SLEEP_SECONDS = 60.0
WORKERS = 8


class Worker:
    """One scheduling thread and a few that wait for the hardware."""

    def __init__(self, cloud: Tenancy, hardware: Hardware) -> None:
        self._cloud = cloud
        self._hardware = hardware
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._running: dict[str, Future[None]] = {}
        self._reported: set[int] = set()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="step")
        self._thread = threading.Thread(target=self._loop, name="worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Look at the list again: something new is on it, or something has ended."""
        self._news.set()

    def stop(self, deadline_seconds: float) -> bool:
        """Begin nothing more; whether what was under way came to its end in time."""
        self._stopping.set()
        self._news.set()
        self._thread.join(deadline_seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)
        return not wait(self._running.values(), deadline_seconds).not_done

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._news.clear()
            self._forget_ended()
            waiting = [row for row in self._listed() if row["resource_id"] not in self._running]
            now = time.time()
            for row in waiting:
                if row["due"] <= now:
                    self._hand_out(row)
            later = [row["due"] - now for row in waiting if row["due"] > now]
            self._news.wait(min([LONGEST_SLEEP_SECONDS, *later]))

    def _listed(self) -> list[sqlite3.Row]:
        return self._cloud.store.execute("SELECT * FROM transitions WHERE due IS NOT NULL ORDER BY due")

    def _hand_out(self, row: sqlite3.Row) -> None:
        future = self._pool.submit(self._carry_out, row)
        self._running[row["resource_id"]] = future
        future.add_done_callback(lambda _: self.wake())

    def _forget_ended(self) -> None:
        for resource_id, future in list(self._running.items()):
            if future.done() and not future.cancelled() and not self._failed(future):
                del self._running[resource_id]

    def _failed(self, future: "Future[None]") -> bool:
        """A defect of the lab itself: the change stays listed for the next start, not tried in a loop."""
        error = future.exception()
        if error and id(future) not in self._reported:
            self._reported.add(id(future))
            traceback.print_exception(error, file=sys.stderr)
        return error is not None

    def _carry_out(self, row: sqlite3.Row) -> None:
        store, step = self._cloud.store, STEPS[row["step"]]
        resource = store.get(row["resource_id"])
        if resource is None:
            raise LookupError(f"{row['step']} of {row['resource_id']}: the store has no such resource")
        statement = "UPDATE transitions SET attempts = attempts + 1 WHERE resource_id = ?"
        store.execute(statement, resource.id)
        try:
            _refuse_if_told(row["refusal"])
            facts = step.act(
                self._hardware, StateTransition(self._cloud, resource, again=row["attempts"] > 0)
            )
        except HardwareError as error:
            print(f"lab.api: {row['step']} of {resource.id} refused: {error}", file=sys.stderr, flush=True)
            self._close(row, None, str(error))
        else:
            self._close(row, facts, "")

    def _close(self, row: sqlite3.Row, facts: Document | None, refusal: str) -> None:
        cloud, step = self._cloud, STEPS[row["step"]]
        with cloud.store.transaction():
            resource = cloud.store.get(row["resource_id"])
            assert resource is not None, row["resource_id"]  # noqa: S101 (only this thread removes it)
            cloud.store.execute("DELETE FROM transitions WHERE resource_id = ?", resource.id)
            if facts is None:
                step.refused(cloud, resource)
            else:
                step.finish(cloud, resource, facts)
            close_work_request(cloud, row["work_request_id"], refusal)


def _refuse_if_told(refusal: str) -> None:
    if refusal:
        raise HardwareError(refusal)
