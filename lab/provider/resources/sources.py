"""The data sources: read-only looks at the API, with the provider's own `filter` blocks."""

import re
from collections.abc import Callable
from typing import Any

from lab.provider.cloud import ProviderClients
from lab.provider.errors import API_ERRORS, is_missing
from lab.provider.resources.instances import Instances
from lab.provider.resources.records import record_of
from lab.provider.schema.values import Record, Value

Source = Callable[[ProviderClients, Record], Record | None]


def read(type_name: str, cloud: ProviderClients, query: Record) -> Record | None:
    """What the data source tells; None, which becomes null in every attribute, for what is not there.

    That is how the real provider (8.28.0) takes a 404, and a TERMINATED instance. Raises another API error.
    """
    try:
        return SOURCES[type_name](cloud, query)
    except API_ERRORS as error:
        if not is_missing(error):
            raise
        return None


def _instance(cloud: ProviderClients, query: Record) -> Record | None:
    return Instances(cloud).look(query["instance_id"])


def _volume(cloud: ProviderClients, query: Record) -> Record:
    return record_of(cloud.storage.get_volume(query["volume_id"]).data)


def _vnic(cloud: ProviderClients, query: Record) -> Record:
    record = record_of(cloud.network.get_vnic(query["vnic_id"]).data)
    return {**record, "private_ip_address": record.get("private_ip")}


def _instances(cloud: ProviderClients, query: Record) -> Record:
    options = _options(query, "availability_domain", "display_name")
    if "state" in query:
        options["lifecycle_state"] = query["state"]
    return _listing(
        query, "instances", _all(cloud.compute.list_instances, query["compartment_id"], **options)
    )


def _vnic_attachments(cloud: ProviderClients, query: Record) -> Record:
    options = _options(query, "availability_domain", "instance_id", "vnic_id")
    attachments = _all(cloud.compute.list_vnic_attachments, query["compartment_id"], **options)
    return _listing(query, "vnic_attachments", attachments)


def _volume_attachments(cloud: ProviderClients, query: Record) -> Record:
    options = _options(query, "availability_domain", "instance_id", "volume_id")
    attachments = _all(cloud.compute.list_volume_attachments, query["compartment_id"], **options)
    return _listing(query, "volume_attachments", attachments)


def _subnet(cloud: ProviderClients, query: Record) -> Record:
    return record_of(cloud.network.get_subnet(query["subnet_id"]).data)


def _private_ips(cloud: ProviderClients, query: Record) -> Record:
    options = _options(query, "ip_address", "subnet_id", "vnic_id")
    return _listing(query, "private_ips", _all(cloud.network.list_private_ips, **options))


SOURCES: dict[str, Source] = {
    "oci_core_instance": _instance,
    "oci_core_instances": _instances,
    "oci_core_private_ips": _private_ips,
    "oci_core_subnet": _subnet,
    "oci_core_vnic": _vnic,
    "oci_core_vnic_attachments": _vnic_attachments,
    "oci_core_volume": _volume,
    "oci_core_volume_attachments": _volume_attachments,
}


def _all(call: Any, *arguments: Any, **options: Any) -> list[Any]:
    """Every page of a listing. (The SDK's own pagination tries again around our retries, for ten minutes.)"""
    answer = call(*arguments, **options)
    items = list(answer.data)
    while answer.has_next_page:
        answer = call(*arguments, page=answer.next_page, **options)
        items += answer.data
    return items


def _options(query: Record, *names: str) -> Record:
    return {name: query[name] for name in names if query.get(name)}


def _listing(query: Record, attribute: str, resources: list[Any]) -> Record:
    rows = [record_of(item) for item in resources]
    for condition in query.get("filter") or []:
        rows = [row for row in rows if _passes(row, condition)]
    return {attribute: rows, "id": f"{attribute}-{len(rows)}"}


def _passes(row: Record, condition: Record) -> bool:
    value = _at(row, condition["name"])
    if value is None:
        return False
    if condition.get("regex"):
        return any(re.search(pattern, str(value)) for pattern in condition["values"])
    return str(value) in condition["values"]


def _at(row: Record, name: str) -> Value:
    """The value at a filter's name; what follows a map's name is one key, dots included."""
    head, _, rest = name.partition(".")
    value = row.get(head)
    return value.get(rest) if rest and isinstance(value, dict) else value
