"""oci_dns_rrset: a DNS record set, written as a whole. Nothing here has states to wait for."""

from typing import Any

import oci

from lab.provider.cloud import ProviderClients
from lab.provider.place import ProviderError
from lab.provider.resources.records import record_of
from lab.provider.resources.resource import deleted
from lab.provider.schema.values import Record

_ARGUMENTS = ("domain", "rdata", "rtype", "ttl")
_NAMED = {"zoneNameOrId": "zone_name_or_id", "domain": "domain", "rtype": "rtype"}
_PLACES = {**_NAMED, "scope": "scope", "viewId": "view_id"}


class RecordSets:
    """Record sets; their id spells out where they are, since the API gives them none."""

    def __init__(self, cloud: ProviderClients) -> None:
        self._cloud = cloud

    def create(self, wanted: Record, deadline: float) -> Record:
        """Add the records, on the condition that there is none: an existing set is 409."""
        place = {name: wanted[name] for name in _PLACES.values() if wanted.get(name)}
        operation, same = oci.dns.models.RecordOperation, {"domain": place["domain"], "rtype": place["rtype"]}
        items = [operation(operation="PROHIBIT", **same)]
        items += [operation(operation="ADD", **_arguments(item)) for item in wanted["items"]]
        details = oci.dns.models.PatchRRSetDetails(items=items)
        record_set = self._cloud.names.patch_rr_set(*_where(place), details, **_view(place)).data
        return self._record(place, record_set.items)

    def read(self, identity: str, current: Record) -> Record | None:
        """The set, which stays in the state when its records are gone."""
        place = _place(identity, current)
        record_set = self._cloud.names.get_rr_set(*_where(place), **_view(place)).data
        return {**self._record(place, record_set.items), "id": identity}

    def update(self, identity: str, changes: Record, wanted: Record, deadline: float) -> Record:
        """Write the whole set anew."""
        return self._write(_place(identity, wanted), wanted)

    def delete(self, identity: str, current: Record, deadline: float) -> None:
        """Remove the set."""
        place = _place(identity, current)
        deleted(lambda _: self._cloud.names.delete_rr_set(*_where(place), **_view(place)), identity)

    def _write(self, place: Record, wanted: Record) -> Record:
        models = oci.dns.models
        items = [models.RecordDetails(**_arguments(item)) for item in wanted["items"]]
        details = models.UpdateRRSetDetails(items=items)
        record_set = self._cloud.names.update_rr_set(*_where(place), details, **_view(place)).data
        return self._record(place, record_set.items)

    @staticmethod
    def _record(place: Record, items: list[Any]) -> Record:
        identity = "/".join(f"{word}/{place[name]}" for word, name in _NAMED.items())
        return {**place, "id": identity, "items": [record_of(item) for item in items]}


def _arguments(item: Record) -> Record:
    return {name: item[name] for name in _ARGUMENTS}


def _place(identity: str, current: Record) -> Record:
    """Where the set is: an id that an import gave has the view in it, else the state has it."""
    words = identity.split("/")
    place = {
        _PLACES[word]: value for word, value in zip(words[::2], words[1::2], strict=False) if word in _PLACES
    }
    if not {"zone_name_or_id", "domain", "rtype"} <= set(place):
        expected = "zoneNameOrId/ZONE/domain/DOMAIN/rtype/TYPE[/scope/PRIVATE/viewId/VIEW]"
        raise ProviderError(f"record set id {identity} is not understood: expected {expected}")
    kept = {"view_id": current["view_id"]} if current.get("view_id") else {}
    return {**kept, **place}


def _where(place: Record) -> tuple[str, str, str]:
    return place["zone_name_or_id"], place["domain"], place["rtype"]


def _view(place: Record) -> Record:
    return {"view_id": place["view_id"]} if place.get("view_id") else {}
