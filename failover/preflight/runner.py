"""Runs checks beside each other, each under its own deadline; what a check could not learn is a result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from failover.cloud.inventory import Unanswered
from failover.model.outcome import FailoverError, Outcome
from failover.preflight import policies
from failover.preflight.check import Check, CheckResult, unknown
from failover.preflight.context import Ground

API_SECONDS = 150.0  # a check makes several calls, each of which may take [deadlines] api
HOST_SECONDS = 120.0


@dataclass(frozen=True)
class Probe:
    """A look at one thing. `advisory`: a run does not need it, so not learning it is only a warning."""

    name: str
    look: Callable[[Ground], Iterable[Check]]
    deadline_seconds: float = API_SECONDS
    advisory: bool = False


def run(probes: Sequence[Probe], ground: Ground) -> tuple[Check, ...]:
    """All checks of all probes, in the probes' order. A probe that misses its deadline is left behind."""
    start = time.monotonic()
    ground.prefetch()
    begun = [(probe, _begin(probe, ground)) for probe in probes]
    return tuple(check for probe, future in begun for check in _end(probe, future, start))


def _begin(probe: Probe, ground: Ground) -> Future[tuple[Check, ...]]:
    future: Future[tuple[Check, ...]] = Future()

    def work() -> None:
        try:
            future.set_result(_look(probe, ground))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is read
            future.set_exception(error)

    # a daemon: one that hangs does not keep the process
    threading.Thread(target=work, name=probe.name, daemon=True).start()
    return future


def _end(probe: Probe, future: Future[tuple[Check, ...]], start: float) -> tuple[Check, ...]:
    try:
        return future.result(max(0.0, start + probe.deadline_seconds - time.monotonic()))
    except TimeoutError:
        late = f"no answer within {probe.deadline_seconds:g} s"
        return (_not_learnt(probe, late, "try again; look at the network and at the service's status"),)


def _look(probe: Probe, ground: Ground) -> tuple[Check, ...]:
    try:
        return tuple(probe.look(ground))
    except Unanswered as error:
        return (unanswered(probe.name, error, ground.stack.compartment_id, probe.advisory),)
    except FailoverError as error:
        if error.outcome is Outcome.UNKNOWN:
            return (_not_learnt(probe, error.reason, error.remedy),)
        return (Check(probe.name, CheckResult.BLOCKING, error.reason, "", error.remedy),)


def unanswered(name: str, error: Unanswered, compartment_id: str, advisory: bool) -> Check:
    """The check for a call that was not answered, with the policy that may be missing."""
    remedy = policies.remedy(error.operation, error.status, compartment_id)
    result = CheckResult.WARNING if advisory else CheckResult.UNKNOWN
    return Check(name, result, error.reason, f"an answer to {error.operation}", remedy)


def _not_learnt(probe: Probe, actual: str, remedy: str) -> Check:
    check = unknown(probe.name, actual, "an answer", remedy)
    return Check(check.name, CheckResult.WARNING, actual, check.expected, remedy) if probe.advisory else check
