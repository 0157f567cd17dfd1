"""The image that the target will be launched from: there, usable, and not too old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from failover.cloud.resources import ImageFound
from failover.preflight.check import Check, blocking, ok, warning
from failover.preflight.context import Ground

NAME = "image"


def look(ground: Ground) -> Iterator[Check]:
    """GetImage, when the target is to be launched."""
    launch = ground.to_launch()
    if launch:
        limit = ground.site.preflight.image_age_days
        yield judge(ground.target.name, ground.image(launch.image_id), datetime.now(UTC), limit)
    elif ground.target.instance_id or ground.left_behind():
        yield ok(NAME, f"{ground.target.name} exists already")
    else:
        yield warning(
            NAME,
            f"what {ground.target.name} is launched with is not in the state: an older terraform/ wrote it",
            "output `failover` with `launch` for each server",
            "run `terraform apply -refresh-only` in the stack's folder",
        )


def judge(server: str, image: ImageFound, now: datetime, limit_days: float) -> Check:
    """AVAILABLE and younger than the limit (days)."""
    days = (now - image.created).total_seconds() / 86400
    text = f"{image.name} is {image.state}, {days:.0f} days old"
    if image.state != "AVAILABLE":
        return blocking(NAME, text, "AVAILABLE", f"set image_id of {server} to an image that is AVAILABLE")
    if days > limit_days:
        return warning(
            NAME,
            text,
            f"at most {limit_days:g} days",
            f"run `invoke image`: it takes one beside the service and sets image_id of {server}",
        )
    return ok(NAME, text)
