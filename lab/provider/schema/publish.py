"""The schema as Terraform asks for it: values of schema.py into protocol messages."""

import json
from typing import Any

from lab.provider.schema.schema import BlockSchema, Schema

_NESTING = {"single": 1, "list": 2, "set": 3}
_FLAGS = ("required", "optional", "computed")


def publish(schema: Schema, response: Any) -> None:
    """Fill a GetProviderSchema.Response."""
    _block(schema.provider, response.provider.block)
    for name, kind in schema.resources.items():
        _block(kind.block, response.resource_schemas[name].block)
    for name, kind in schema.data_sources.items():
        _block(kind.block, response.data_source_schemas[name].block)
    response.server_capabilities.get_provider_schema_optional = True


def _block(block: BlockSchema, message: Any) -> None:
    for name, attribute in block.attributes.items():
        flags = {flag: True for flag in _FLAGS if getattr(attribute, flag)}
        message.attributes.add(name=name, type=json.dumps(attribute.type).encode(), **flags)
    for name, nested in block.blocks.items():
        inner = message.block_types.add(
            type_name=name, nesting=_NESTING[nested.nesting], max_items=nested.max_items
        )
        _block(nested.block, inner.block)
