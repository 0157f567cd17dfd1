"""Objects of the oci SDK as records: the names and forms that Terraform's schema has for them."""

import os
from datetime import datetime
from typing import Any

from lab.provider.schema.values import Record, Value

_RENAMED = {"lifecycle_state": "state"}


def record_of(model: Any) -> Record:
    """The model's fields, lifecycle_state renamed to state; what the API did not tell is left out."""
    record: Record = {}
    for name in model.attribute_map:
        value = getattr(model, name)
        if value is not None:
            record[_RENAMED.get(name, name)] = _plain(value)
    if "defined_tags" in record:
        record["defined_tags"] = _flat_tags(record["defined_tags"])
    return record


def _flat_tags(tags: Record) -> Record:
    """Terraform's form of defined tags: "Namespace.Key" in one map."""
    return {f"{space}.{key}": value for space, keys in tags.items() for key, value in keys.items()}


def nested_tags(tags: Record) -> Record:
    """The API's form of defined tags: a map of keys by namespace."""
    nested: Record = {}
    for name, value in tags.items():
        space, _, key = name.partition(".")
        nested.setdefault(space, {})[key] = value
    return nested


def _plain(value: Any) -> Value:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f %z UTC")
    if hasattr(value, "attribute_map"):
        return record_of(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def keep_when_missing() -> bool:
    """Whether a 404 on refresh leaves the resource in the state (TF_PRESERVE_STATE_ON_404=true)."""
    return os.environ.get("TF_PRESERVE_STATE_ON_404", "").lower() == "true"
