"""Private DNS: views, zones and record sets, under the DNS service's own version.

Source: https://docs.oracle.com/en-us/iaas/api/#/en/dns/20180115/ (View, Zone, RRSet).
"""

import hashlib
import re

from lab.api.core.call import Call, Tenancy, tags
from lab.api.core.errors import conflict, invalid, not_found, not_modelled
from lab.api.core.ocid import new_ocid, timestamp
from lab.api.core.store import Document, StoredResource

VERSION = "/20180115"
VIEW, ZONE = "dnsview", "dns-zone"
CONDITIONS = ("PROHIBIT", "REQUIRE")
NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def create_view(cloud: Tenancy, call: Call) -> StoredResource:
    call.modelled("compartmentId", "displayName", "freeformTags", "definedTags")
    cloud.require_compartment(call.text("compartmentId"))
    return _put(cloud, VIEW, {"displayName": call.body.get("displayName"), **tags(call.body)})


def create_zone(cloud: Tenancy, call: Call) -> StoredResource:
    """CreateZone. Refuses a name that the view has (409); 501 for other than private primary zones."""
    call.modelled(
        *("compartmentId", "name", "zoneType", "viewId", "scope", "freeformTags", "definedTags"),
        *(("migrationSource",) if call.body.get("migrationSource") == "NONE" else ()),
    )
    cloud.require_compartment(call.text("compartmentId"))
    if (call.query.get("scope") or call.body.get("scope")) != "PRIVATE" or call.text("zoneType") != "PRIMARY":
        raise not_modelled("a zone that is not a private primary one")
    view = cloud.required(VIEW, call.query.get("viewId") or call.text("viewId"))
    name = _name(call.text("name"))
    if cloud.store.find(ZONE, name=name, viewId=view.id):
        raise conflict(f"zone {name} exists in view {view.id}")
    private = {"scope": "PRIVATE", "zoneType": "PRIMARY", "viewId": view.id, "isProtected": False}
    return _put(cloud, ZONE, {"name": name, **private, **tags(call.body)})


def get_rr_set(cloud: Tenancy, call: Call) -> Document:
    return {"items": _records(_zone(cloud, call), call)}


def update_rr_set(cloud: Tenancy, call: Call) -> Document:
    """Replaces the whole set, as the API does."""
    call.modelled("items")
    zone, records = _zone(cloud, call), [_record(item, call) for item in call.body.get("items") or []]
    _keep(cloud, zone, call, records)
    return {"items": records}


def patch_rr_set(cloud: Tenancy, call: Call) -> Document:
    """Operations on the set, all of them or none: PROHIBIT and REQUIRE are conditions, checked first."""
    call.modelled("items")
    zone, records = _zone(cloud, call), _records(_zone(cloud, call), call)
    wanted = list(records)
    for item in sorted(call.body.get("items") or [], key=lambda one: one.get("operation") not in CONDITIONS):
        wanted = _patched(wanted, item, call)
    _keep(cloud, zone, call, wanted)
    return {"items": wanted}


def _patched(records: list[Document], item: Document, call: Call) -> list[Document]:
    """The records after one operation; 409 when its condition does not hold."""
    operation = item.get("operation") or "ADD"
    if operation == "ADD":
        fresh = _record(item, call)
        return [one for one in records if one["rdata"] != fresh["rdata"]] + [fresh]
    alike = [one for one in records if _fits(one, item)]
    if operation == "PROHIBIT":
        if alike:
            raise conflict("a prohibited record exists")
        return records
    if operation == "REQUIRE":
        if not alike:
            raise conflict("a required record does not exist")
        return records
    if operation == "REMOVE":
        return [one for one in records if one not in alike]
    raise invalid(f"operation must be one of ADD, REMOVE, {', '.join(CONDITIONS)}, not {operation}")


def _fits(record: Document, item: Document) -> bool:
    """Whether the record has all that the operation names; what it leaves out fits any record."""
    named = {name: item[name] for name in ("rdata", "ttl", "rtype") if item.get(name) is not None}
    return all(record[name] == value for name, value in named.items())


def delete_rr_set(cloud: Tenancy, call: Call) -> None:
    _keep(cloud, _zone(cloud, call), call, [])


def _put(cloud: Tenancy, kind: str, fields: Document) -> StoredResource:
    ocid = new_ocid(kind)
    shared = {"compartmentId": cloud.world.compartment_id, "timeCreated": timestamp()}
    return cloud.store.put(
        StoredResource(ocid, kind, {"id": ocid, "lifecycleState": "ACTIVE", **shared, **fields})
    )


def _zone(cloud: Tenancy, call: Call) -> StoredResource:
    """By OCID, or by name inside a view: a private zone's name alone says nothing."""
    name_or_id = call.path["zone"]
    if name_or_id.startswith("ocid1."):
        return cloud.required(ZONE, name_or_id)
    zones = cloud.store.find(ZONE, name=_name(name_or_id), viewId=call.required_query("viewId"))
    if not zones:
        raise not_found(name_or_id)
    return zones[0]


def _set_name(call: Call) -> str:
    return f"{_name(call.path['domain'])} {call.path['rtype'].upper()}"


def _records(zone: StoredResource, call: Call) -> list[Document]:
    _check_inside(zone, call)
    records: list[Document] = zone.hidden.get(_set_name(call), [])
    return records


def _keep(cloud: Tenancy, zone: StoredResource, call: Call, records: list[Document]) -> None:
    _check_inside(zone, call)
    cloud.store.put(zone.knowing(**{_set_name(call): records}))


def _check_inside(zone: StoredResource, call: Call) -> None:
    if not f".{_name(call.path['domain'])}".endswith(f".{zone.body['name']}"):
        raise invalid(f"domain {call.path['domain']} is not in zone {zone.body['name']}")


def _record(item: Document, call: Call) -> Document:
    wanted = {"domain": _name(str(item.get("domain"))), "rtype": item.get("rtype")}
    if (wanted["domain"], wanted["rtype"]) != (_name(call.path["domain"]), call.path["rtype"].upper()):
        raise invalid(f"a record of {item.get('domain')} {item.get('rtype')} in the set {_set_name(call)}")
    if not item.get("rdata") or not isinstance(item.get("ttl"), int):
        raise invalid("a record needs rdata and a ttl in seconds")
    kept = {**wanted, "rdata": item["rdata"], "ttl": item["ttl"]}
    digest = hashlib.sha256(repr(sorted(kept.items())).encode()).hexdigest()[:32]
    return {**kept, "recordHash": digest, "isProtected": False, "rrsetVersion": "1"}


def _name(text: str) -> str:
    name = text.lower().rstrip(".")
    if not NAME.fullmatch(name):
        raise invalid(f"{text!r} is not a domain name")
    return name
