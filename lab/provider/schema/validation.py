"""The provider's own rules about arguments; Terraform has checked names and types by the schema already."""

from collections.abc import Iterator
from dataclasses import dataclass

from lab.provider.schema.planning import Path
from lab.provider.schema.schema import Attribute, BlockSchema
from lab.provider.schema.values import UNKNOWN, Record, Value


@dataclass(frozen=True)
class Problem:
    """A wrong argument and where it is."""

    summary: str
    path: Path


def problems(block: BlockSchema, config: Record, at: Path | None = None) -> Iterator[Problem]:
    """Everything wrong in one block of configuration."""
    path = at or []
    for name, attribute in block.attributes.items():
        value = config.get(name)
        if value is not None and value is not UNKNOWN:
            summary = _problem(name, attribute, value)
            if summary:
                yield Problem(summary, [*path, name])
    for name, nested in block.blocks.items():
        content = config.get(name)
        if isinstance(content, list):
            for index, item in enumerate(content):
                yield from problems(nested.block, item, [*path, name, index])


def _problem(name: str, attribute: Attribute, value: Value) -> str:
    if attribute.computed and not attribute.optional:
        return f'Can\'t configure a value for "{name}": its value is decided by the result of the apply.'
    if attribute.one_of and value.lower() not in [word.lower() for word in attribute.one_of]:
        return f"expected {name} to be one of {list(attribute.one_of)}, got {value}"
    if attribute.compare == "integer" and not value.removeprefix("-").isdecimal():
        return f'"{name}" ("{value}") must be a 64-bit integer'
    return ""
