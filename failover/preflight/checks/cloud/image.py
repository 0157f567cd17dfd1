"""The image that the target will be launched from: there, usable, not too old; what a failover would lose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from failover.cloud.inventory import Unanswered
from failover.cloud.profile import full_region
from failover.cloud.resources import ImageFacts
from failover.hosts.ssh import Silent
from failover.model.host import image_contents
from failover.model.host.image_contents import TAG, TAG_OF, ImageContents
from failover.model.site import Objectives, PreflightLimits
from failover.model.stack_output import Server
from failover.preflight.check import Check, blocking, ok, warning
from failover.preflight.context import Ground

NAME = "image"
DRIFT = "image and active server"
_PARTS = "the active server's kernel, packages, exports, accounts and keys"
_TAKE = "run `invoke image`: it takes one beside the service and sets image_id of {}"
_REGION = re.compile(r"ocid1\.[a-z0-9]+\.[a-z0-9-]+\.([a-z0-9-]+)\.")


def look(ground: Ground) -> Iterator[Check]:
    """GetImage, when the target is to be launched. Raises Unanswered."""
    launch = ground.to_launch()
    if launch:
        name = ground.target.name
        try:
            image = ground.image(launch.image_id)
        except Unanswered as error:
            elsewhere = judge_region(name, launch.image_id, ground.stack.region)
            if error.status != 404 or elsewhere is None:
                raise
            yield elsewhere
            return
        yield judge(name, image, datetime.now(UTC), ground.site.preflight, ground.site.objectives)
    elif ground.has_instance():
        yield ok(NAME, f"{ground.target.name} exists already")
    else:
        yield warning(
            NAME,
            f"what {ground.target.name} is launched with is not in the state: an older terraform/ wrote it",
            "output `failover` with `launch` for each server",
            "run `terraform apply -refresh-only` in the stack's folder",
        )


def judge(
    server: str, image: ImageFacts, now: datetime, limits: PreflightLimits, objectives: Objectives
) -> Check:
    """AVAILABLE, and younger than [preflight] image_age_days and [objectives] image_days."""
    days = (now - image.created).total_seconds() / 86400
    text = f"{image.name} is {image.state}, {days:.0f} days old"
    if image.state != "AVAILABLE":
        return blocking(NAME, text, "AVAILABLE", f"set image_id of {server} to an image that is AVAILABLE")
    limit, source = limits.image_age_days, "[preflight] image_age_days"
    if objectives.image_days is not None and objectives.image_days < limit:
        limit, source = objectives.image_days, "[objectives] image_days"
    if days > limit:
        return warning(NAME, text, f"at most {limit:g} days ({source})", _TAKE.format(server))
    return ok(NAME, text)


def judge_region(server: str, image_id: str, region: str) -> Check | None:
    """Of an image that is not there: blocking where its OCID is of another region; None where it is not."""
    named = _REGION.match(image_id)
    if not named or not region or full_region(named[1]) == region:
        return None
    return blocking(
        NAME,
        f"{image_id} is an image of {full_region(named[1])}",
        f"an image of {region}, where {server} is launched",
        f"set image_id of {server} to an image of {region}: export that one and import it there, or take one",
    )


def compare(ground: Ground) -> Iterator[Check]:
    """What the active server has on its root disk, and a server launched from the image would lack."""
    launch = ground.to_launch()
    if not launch:
        return
    image = ground.image(launch.image_id)
    if TAG not in image.tags:
        yield ok(DRIFT, f"{image.name} was not made by `invoke image`: not known whether it has {_PARTS}")
        return
    try:
        server = ground.contents_of_active()
    except Silent:  # the active server's own check says so
        return
    if server is not None:
        active = ground.stack.servers[ground.stack.active]
        yield judge_drift(ground.target.name, image, active.name, active.instance_id, server)


def judge_drift(
    target: str, image: ImageFacts, active: str, active_id: str | None, server: ImageContents
) -> Check:
    """A warning names what a failover to the target would lose; what the tags do not tell is no fault."""
    drift = image_contents.drift(image_contents.of_tags(image.tags), server)
    not_known = f"; not known: {', '.join(drift.not_known)}" if drift.not_known else ""
    other = image.tags.get(TAG_OF) not in (None, active_id)
    whose = f" (an image of another server than {active})" if other else ""
    if drift.lost:
        text = f"{image.name}{whose} lacks of {active}: {'; '.join(drift.lost)}{not_known}"
        return warning(DRIFT, text, f"what {active} has", _TAKE.format(target))
    return ok(DRIFT, f"{image.name}{whose} has what {active} has{not_known}")


def remembered(target: Server, checks: Iterable[Check]) -> dict[str, str]:
    """What `compare` came to, for the site's history: the image's OCID, outcome and text; or empty."""
    compared = [one for one in checks if one.name == DRIFT]
    if not compared or not target.launch:
        return {}
    return {"id": target.launch.image_id, "outcome": compared[0].outcome.value, "drift": compared[0].actual}
