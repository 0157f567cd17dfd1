"""Terraform values on the wire: msgpack or JSON, unknowns, and equality as plugin SDK v2 sees it."""

import json
from typing import Any

import msgpack

Value = Any  # None, bool, number, str, list, dict, or UNKNOWN, at any depth
Record = dict[str, Any]


class UnknownValue:
    """The type of UNKNOWN: a value that is known only after apply."""

    def __repr__(self) -> str:
        return "(known after apply)"


UNKNOWN = UnknownValue()
_EMPTY: tuple[Value, ...] = (None, "", [], {})


def decode(message: Any) -> Value:
    """The value in a DynamicValue message; None when it is empty."""
    if message.msgpack:
        return msgpack.unpackb(message.msgpack, ext_hook=lambda _code, _data: UNKNOWN, strict_map_key=False)
    return json.loads(message.json) if message.json else None


def encode(value: Value) -> bytes:
    """A value as msgpack; an unknown is extension type 0."""
    return bytes(msgpack.packb(value, default=_unknown))


def _unknown(value: object) -> Any:
    if value is UNKNOWN:
        return msgpack.ExtType(0, b"\x00")
    raise TypeError(f"{value!r} is no Terraform value: expected null, bool, number, string, list or map")


def known(value: Value) -> Value:
    """The value without its nulls and unknowns: what may be sent to the API."""
    if isinstance(value, dict):
        return {key: known(item) for key, item in value.items() if item is not None and item is not UNKNOWN}
    if isinstance(value, list):
        return [known(item) for item in value if item is not UNKNOWN]
    return value


def same(left: Value, right: Value) -> bool:
    """Equality of plugin SDK v2: null, "" and empty collections are one value."""
    if left is UNKNOWN or right is UNKNOWN:
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return all(same(left.get(key), right.get(key)) for key in left.keys() | right.keys())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right) or (_is_empty(left) and _is_empty(right))


def _is_empty(value: Value) -> bool:
    return not isinstance(value, bool) and value in _EMPTY


def in_order(value: Value) -> Value:
    """A set's members in one fixed order, so that two sets compare as lists do."""
    if isinstance(value, list):
        return sorted(value, key=lambda item: json.dumps(item, sort_keys=True, default=repr))
    return value
