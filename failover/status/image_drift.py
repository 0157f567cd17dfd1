"""What the last preflight found that an image lacks of the active server. Pure: status does not ask again."""

from __future__ import annotations

from collections.abc import Mapping

from failover.cloud.resources import ImageFacts
from failover.runs.history import Entry, History, Kind
from failover.status.sight import Sight


def image_drift(image: ImageFacts, sight: Sight) -> Entry | None:
    """The newest preflight that compared this image, while the same server was active as now.

    Its facts have `image`: "id", "outcome" and "drift". None where there is none.
    """
    if not isinstance(sight.history, History) or not image.id:
        return None
    for entry in sorted(sight.history.entries, key=lambda one: one.at, reverse=True):
        compared = entry.facts.get("image")
        if entry.kind == Kind.PREFLIGHT and isinstance(compared, Mapping) and compared.get("id") == image.id:
            return entry if entry.facts.get("active") == sight.active and "drift" in compared else None
    return None
