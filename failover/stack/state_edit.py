"""A Terraform state with some of its records put right: document in, document out.

The form is that of state version 4 (terraform/internal/states/statefile/version4.go).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from failover.model.outcome import Refused

_ADDRESS = re.compile(
    r"(?P<type>[a-z0-9_]+)\.(?P<name>[A-Za-z0-9_-]+)"
    r'(\["(?P<key>[^"\\]+)"\]|\[(?P<index>\d+)\])?'
)
Document = dict[str, Any]


def edited(state: Document, adopted: Mapping[str, str], untainted: Iterable[str]) -> Document:
    """The state with `adopted` (OCIDs by address) as its records and `untainted` addresses kept, serial + 1.

    An adopted record holds its id alone: the next refresh reads the rest, as after `terraform import`.
    """
    made = copy.deepcopy(state)
    for address, ocid in adopted.items():
        _put(made, address, {"schema_version": 0, "attributes": {"id": ocid}, "sensitive_attributes": []})
    for address in untainted:
        if instance := _find(made, address):
            instance.pop("status", None)
    made["serial"] = int(state["serial"]) + 1
    return made


def _put(state: Document, address: str, instance: Document) -> None:
    kind, name, key = _parts(address)
    resource = next((r for r in state["resources"] if _is(r, kind, name)), None)
    if resource is None:
        resource = {
            "mode": "managed",
            "type": kind,
            "name": name,
            "provider": _provider(state),
            "instances": [],
        }
        state["resources"].append(resource)
    rest = [i for i in resource["instances"] if i.get("index_key") != key]
    resource["instances"] = [*rest, instance if key is None else {"index_key": key, **instance}]


def _find(state: Document, address: str) -> Document | None:
    kind, name, key = _parts(address)
    for resource in (r for r in state["resources"] if _is(r, kind, name)):
        for instance in resource["instances"]:
            if instance.get("index_key") == key:
                document: Document = instance
                return document
    return None


def _is(resource: Document, kind: str, name: str) -> bool:
    return (resource["mode"], resource["type"], resource["name"]) == ("managed", kind, name) and (
        "module" not in resource
    )


def _provider(state: Document) -> str:
    """As the state's other resources name it."""
    named = [r["provider"] for r in state["resources"] if r["type"].startswith("oci_")]
    if not named:
        raise Refused("the state knows no resource of OCI's provider", "apply the stack once in the console")
    return str(named[0])


def _parts(address: str) -> tuple[str, str, str | int | None]:
    """Type, name, and the key of for_each or the index of count."""
    if match := _ADDRESS.fullmatch(address):
        key = match["key"] if match["index"] is None else int(match["index"])
        return match["type"], match["name"], key
    raise Refused(f"{address} is not an address of this stack's own resources", "mend the state by hand")


def encoded(state: Document) -> bytes:
    """The state as it is uploaded."""
    return json.dumps(state, indent=2).encode()
