"""Values cut to a schema's shape: every attribute present, of its type, empty as plugin SDK v2 stores it."""

import json
from collections.abc import Callable
from typing import Any

from lab.provider.schema.schema import BlockSchema, TypeExpression
from lab.provider.schema.values import UNKNOWN, Record, Value

_ZERO: dict[str, Value] = {"string": "", "number": 0, "bool": False, "list": [], "set": [], "map": {}}


def conform(block: BlockSchema, value: Value) -> Value:
    """The value with exactly the block's attributes and blocks: missing ones null, others dropped."""
    if value is None or value is UNKNOWN:
        return value
    shaped = {name: coerce(attribute.type, value.get(name)) for name, attribute in block.attributes.items()}
    for name, nested in block.blocks.items():
        content = value.get(name)
        if content is UNKNOWN or nested.nesting == "single":
            shaped[name] = conform(nested.block, content)
        else:
            shaped[name] = [conform(nested.block, item) for item in content or []]
    return shaped


def coerce(kind: TypeExpression, value: Value) -> Value:
    """A plain value as one of exactly this type.

    Raises ValueError where that is impossible.
    """
    if value is None or value is UNKNOWN:
        return value
    if isinstance(kind, str):
        return _PRIMITIVE[kind](value)
    container, of = kind
    if container == "object":
        return {name: coerce(member, value.get(name)) for name, member in of.items()}
    if container == "map":
        return {key: coerce(of, item) for key, item in value.items()}
    return [coerce(of, item) for item in value]


def _number(value: Value) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number


_PRIMITIVE: dict[str, Callable[[Value], Value]] = {
    "string": lambda value: value if isinstance(value, str) else json.dumps(value),
    "bool": lambda value: value if isinstance(value, bool) else str(value).lower() == "true",
    "number": _number,
}


def stored(block: BlockSchema, value: Record, nested: bool = False) -> Record:
    """The value as plugin SDK v2 keeps it after a read or an apply.

    Computed collections that are unset are empty; inside blocks every unset value is its type's zero.
    """
    kept = dict(value)
    for name, attribute in block.attributes.items():
        if kept.get(name) is None and (nested or (attribute.computed and attribute.collection)):
            kept[name] = _zero(attribute.type)
    for name, inner in block.blocks.items():
        if inner.nesting != "single":
            kept[name] = [stored(inner.block, item, nested=True) for item in kept.get(name) or []]
    return kept


def _zero(kind: Any) -> Value:
    zero = _ZERO[kind if isinstance(kind, str) else kind[0]]
    return zero.copy() if isinstance(zero, list | dict) else zero


def merged(block: BlockSchema, current: Record, record: Record) -> Record:
    """A refreshed state: the record wins; what the API does not tell stays as it is."""
    state = {name: record.get(name, current.get(name)) for name in block.attributes}
    for name, nested in block.blocks.items():
        before = current.get(name)
        if nested.nesting == "list" and name in record:
            before = before if isinstance(before, list) else []
            state[name] = [
                merged(nested.block, before[index] if index < len(before) else {}, item)
                for index, item in enumerate(record[name] or [])
            ]
        else:
            state[name] = record.get(name, before)
    return state


def settled(block: BlockSchema, planned: Record, record: Record) -> Record:
    """The state after an apply: planned values stay, unknown ones come from the record."""
    state = {
        name: record.get(name) if planned.get(name) is UNKNOWN else planned.get(name)
        for name in block.attributes
    }
    for name, nested in block.blocks.items():
        wanted, recorded = planned.get(name), record.get(name)
        if wanted is UNKNOWN:
            state[name] = recorded or []
        elif nested.nesting == "list":
            recorded = recorded or []
            state[name] = [
                settled(nested.block, item, recorded[index] if index < len(recorded) else {})
                for index, item in enumerate(wanted or [])
            ]
        else:
            state[name] = recorded if nested.nesting == "set" and recorded is not None else wanted
    return state
