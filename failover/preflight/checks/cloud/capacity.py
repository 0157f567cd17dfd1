"""Is there a host for the target? A strong hint, no promise: only a capacity reservation is one."""

from __future__ import annotations

from collections.abc import Iterator

from failover.model.stack_output import Launch
from failover.preflight.check import Check, blocking, ok, warning
from failover.preflight.context import Ground

NAME = "capacity"


def look(ground: Ground) -> Iterator[Check]:
    """A capacity report for the shape, when the target is to be launched."""
    launch = ground.to_launch()
    if launch is None:
        if ground.has_instance():
            yield ok(NAME, f"{ground.target.name} exists already")
        return
    status = ground.reads.capacity(launch.availability_domain, launch.shape)
    yield judge(launch, status)


def judge(launch: Launch, status: str) -> Check:
    """AVAILABLE, or what speaks against the launch."""
    text = f"{launch.shape} in {launch.availability_domain}: {status}"
    if status == "AVAILABLE":
        return ok(NAME, text)
    if status == "OUT_OF_HOST_CAPACITY":
        return blocking(
            NAME,
            text,
            "AVAILABLE",
            "launch a standby while there is capacity, reserve capacity, or choose another shape",
        )
    if status == "HARDWARE_NOT_SUPPORTED":
        return blocking(
            NAME, text, "AVAILABLE", "choose a shape that this availability domain offers (`ListShapes`)"
        )
    return warning(NAME, text, "AVAILABLE", "ask again; a launch may work or not")
