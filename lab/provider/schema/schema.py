"""The stand-in's schema: what schema.json says, as values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

TypeExpression = Any  # Terraform's own JSON form: "string", ["map", "string"], ["object", {...}]

_FILE = Path(__file__).with_name("schema.json")
_FILTER: dict[str, Any] = {
    "nesting": "set",
    "attributes": {
        "name": {"type": "string", "required": True},
        "regex": {"type": "bool", "optional": True},
        "values": {"type": ["list", "string"], "required": True},
    },
}


@dataclass(frozen=True)
class Attribute:
    """One argument or attribute, with the flags that `terraform providers schema` leaves out.

    compare: "ignore_case" or "integer" values that differ in spelling only are no change, nor are maps whose
    keys do ("ignore_key_case").
    store: "bool" spellings of true and false are stored as one.
    """

    type: TypeExpression
    required: bool = False
    optional: bool = False
    computed: bool = False
    force_new: bool = False
    default: str | None = None
    compare: str = ""
    store: str = ""
    one_of: tuple[str, ...] = ()

    @property
    def collection(self) -> str:
        """ "list", "set" or "map"; "" when the type is none of them."""
        return self.type[0] if isinstance(self.type, list) and self.type[0] != "object" else ""


@dataclass(frozen=True)
class BlockSchema:
    """Attributes and nested blocks by name."""

    attributes: Mapping[str, Attribute]
    blocks: Mapping[str, "NestedBlock"] = field(default_factory=dict)


@dataclass(frozen=True)
class NestedBlock:
    """A block inside a block. computed: the API fills it in when the configuration has none."""

    block: BlockSchema
    nesting: str = "list"
    max_items: int = 0
    computed: bool = False
    force_new: bool = False


@dataclass(frozen=True)
class TypeSchema:
    """A resource type or a data source. timeouts: Go durations by operation."""

    block: BlockSchema
    importer: bool = False
    update: bool = False
    timeouts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Schema:
    """Everything the provider offers."""

    provider: BlockSchema
    resources: Mapping[str, TypeSchema]
    data_sources: Mapping[str, TypeSchema]


@cache
def load() -> Schema:
    """The schema in schema.json."""
    document = json.loads(_FILE.read_text(encoding="utf-8"))
    return Schema(
        provider=_block(document["provider"]),
        resources={name: _kind(entry) for name, entry in document["resources"].items()},
        data_sources={name: _kind(entry) for name, entry in document["data_sources"].items()},
    )


def _kind(entry: dict[str, Any]) -> TypeSchema:
    blocks = dict(entry.get("blocks", {}))
    timeouts = entry.get("timeouts", {})
    if timeouts:
        arguments = {name: {"type": "string", "optional": True} for name in timeouts}
        blocks["timeouts"] = {"nesting": "single", "attributes": arguments}
    if entry.get("filtered"):
        blocks["filter"] = _FILTER
    block = _block({**entry, "blocks": blocks})
    return TypeSchema(block, entry.get("importer", False), entry.get("update", False), timeouts)


def _block(entry: dict[str, Any]) -> BlockSchema:
    return BlockSchema(
        attributes={name: _attribute(flags) for name, flags in entry["attributes"].items()},
        blocks={name: _nested(nested) for name, nested in entry.get("blocks", {}).items()},
    )


def _attribute(flags: dict[str, Any]) -> Attribute:
    return Attribute(**{**flags, "one_of": tuple(flags.get("one_of", ()))})


def _nested(entry: dict[str, Any]) -> NestedBlock:
    flags = {key: entry[key] for key in ("nesting", "max_items", "computed", "force_new") if key in entry}
    return NestedBlock(block=_block(entry), **flags)
