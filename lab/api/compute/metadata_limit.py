"""The size that an instance's metadata may have."""

import json

from lab.api.core.errors import invalid
from lab.api.core.store import Document

LARGEST_METADATA_BYTES = 32_000


def check_metadata(metadata: Document, extended: Document) -> None:
    """Raises 400, as OCI does: for maps of over 32,000 bytes together, and a plain value of another type."""
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise invalid(
                f"metadata.{key} must be a string, not {type(value).__name__}: use extendedMetadata"
            )
    maps = (metadata, extended)
    size = sum(len(json.dumps(one, separators=(",", ":"), ensure_ascii=False).encode()) for one in maps)
    if size > LARGEST_METADATA_BYTES:
        raise invalid(
            f"metadata and extendedMetadata are {size} bytes together; at most {LARGEST_METADATA_BYTES} fit"
        )
