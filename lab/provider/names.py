"""oci_dns_rrset: a DNS record set, written as a whole. Nothing here has states to wait for."""

from typing import Any

import oci

from lab.provider.cloud import Cloud
from lab.provider.errors import ProviderError
from lab.provider.records import record_of
from lab.provider.resource import deleted
from lab.provider.values import Record

_ARGUMENTS = ("domain", "rdata", "rtype", "ttl")
_PLACES = {
    "zoneNameOrId": "zone_name_or_id",
    "domain": "domain",
    "rtype": "rtype",
    "scope": "scope",
    "viewId": "view_id",
}


class RecordSets:
    """Record sets; their id spells out where they are, since the API gives them none."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def create(self, wanted: Record, deadline: float) -> Record:
        """Write the set, whatever it was before."""
        place = {name: wanted[name] for name in _PLACES.values() if wanted.get(name)}
        return self._write(place, wanted)

    def read(self, identity: str) -> Record | None:
        """A set without records has ended."""
        place = _place(identity)
        found = self._cloud.names.get_rr_set(*_where(place), **_view(place)).data
        return self._record(place, found.items) if found.items else None

    def update(self, identity: str, changes: Record, wanted: Record, deadline: float) -> Record:
        """Write the whole set anew."""
        return self._write(_place(identity), wanted)

    def delete(self, identity: str, current: Record, deadline: float) -> None:
        """Remove the set."""
        place = _place(identity)
        deleted(lambda _: self._cloud.names.delete_rr_set(*_where(place), **_view(place)), identity)

    def _write(self, place: Record, wanted: Record) -> Record:
        models = oci.dns.models
        items = [
            models.RecordDetails(**{name: item[name] for name in _ARGUMENTS}) for item in wanted["items"]
        ]
        details = models.UpdateRRSetDetails(items=items)
        found = self._cloud.names.update_rr_set(*_where(place), details, **_view(place)).data
        return self._record(place, found.items)

    @staticmethod
    def _record(place: Record, items: list[Any]) -> Record:
        identity = "/".join(f"{word}/{place[name]}" for word, name in _PLACES.items() if place.get(name))
        return {**place, "id": identity, "items": [record_of(item) for item in items]}


def _place(identity: str) -> Record:
    words = identity.split("/")
    place = {
        _PLACES[word]: value for word, value in zip(words[::2], words[1::2], strict=False) if word in _PLACES
    }
    if not {"zone_name_or_id", "domain", "rtype"} <= set(place):
        expected = "zoneNameOrId/ZONE/domain/DOMAIN/rtype/TYPE[/viewId/VIEW]"
        raise ProviderError(f"record set id {identity} is not understood: expected {expected}")
    return place


def _where(place: Record) -> tuple[str, str, str]:
    return place["zone_name_or_id"], place["domain"], place["rtype"]


def _view(place: Record) -> Record:
    return {"view_id": place["view_id"]} if place.get("view_id") else {}
