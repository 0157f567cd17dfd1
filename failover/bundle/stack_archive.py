"""Packs terraform/ into the zip that Resource Manager takes: the same sources always give the same bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from failover.atomic_file import write_whole
from failover.bundle import cloud_init, zipapp
from failover.paths import IMPORTS_FILE, STACK

LARGEST_BYTES = 11 * 1024 * 1024  # what Resource Manager takes
# The configuration and the form. No *.tfvars: active.auto.tfvars would override the form's field, and a
# site's own files and an adoption's imports stay out. No state, no provider's lock file, no tests.
_FILES = ("*.tf", "schema.yaml")


class TooLarge(Exception):
    """The zip is more than Resource Manager takes."""


def stack_bytes() -> bytes:
    """The zip, its files in the order of their names. Raises TooLarge above the service's limit."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for name, content in sorted(_contents().items()):
            zipapp.add(packed, name, content)
    made = archive.getvalue()
    if len(made) > LARGEST_BYTES:
        raise TooLarge(f"the stack's zip: found {len(made)} bytes, expected at most {LARGEST_BYTES}")
    return made


def _contents() -> dict[str, bytes]:
    sources = [s for pattern in _FILES for s in STACK.glob(pattern) if s.name != IMPORTS_FILE]
    return {
        **{source.name: source.read_bytes() for source in sources},
        "hooks.pyz": zipapp.hooks_bytes(),
        "rendered/user_data": (cloud_init.user_data(cloud_init.render_cloud_init()) + "\n").encode(),
    }


def build_stack(path: Path) -> Path:
    """Write the zip to `path`; gives it back. Raises TooLarge."""
    write_whole(path, stack_bytes())
    return path
