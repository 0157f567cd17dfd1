"""The uploaded zip of a stack: checked as Resource Manager checks it, kept by its digest, unpacked for a job.

Source: https://docs.oracle.com/en-us/iaas/Content/ResourceManager/Concepts/terraformconfigresourcemanager.htm
"""

import base64
import binascii
import hashlib
import io
import zipfile
from pathlib import Path, PurePosixPath

from lab.api.core.errors import invalid, not_modelled
from lab.api.core.store import Document

LARGEST_BYTES = 11 * 2**20
KIND = "ZIP_UPLOAD"


def checked(source: Document) -> tuple[bytes, str]:
    """The zip and its working directory, of a new upload.

    Raises 501 for another kind of source, and 400 for a zip that the service would not take.
    """
    if source.get("configSourceType") != KIND:
        raise not_modelled(f"the configSourceType {source.get('configSourceType')}")
    content = _decoded(source.get("zipFileBase64Encoded"))
    directory = source.get("workingDirectory") or ""
    _check_entries(content, PurePosixPath(directory))
    return content, directory


def _decoded(text: object) -> bytes:
    try:
        content = base64.b64decode(str(text or ""), validate=True)
    except binascii.Error as error:
        raise invalid(f"zipFileBase64Encoded is not base64: {error}") from None
    if len(content) > LARGEST_BYTES:
        raise invalid(f"the zip has {len(content)} bytes, more than {LARGEST_BYTES}")
    return content


def _check_entries(content: bytes, directory: PurePosixPath) -> None:
    try:
        names = [PurePosixPath(name) for name in zipfile.ZipFile(io.BytesIO(content)).namelist()]
    except zipfile.BadZipFile as error:
        raise invalid(f"zipFileBase64Encoded is not a zip: {error}") from None
    for name in names:
        if name.is_absolute() or ".." in name.parts:
            raise invalid(f"the zip has an entry outside of itself: {name}")
        if ".terraform" in name.parts or name.name.startswith("terraform.tfstate"):
            raise invalid(f"the zip must hold neither a .terraform directory nor a state: {name}")
    if not any(name.parent == directory and name.suffix == ".tf" for name in names):
        raise invalid(f"the zip has no .tf file in its working directory {str(directory)!r}")


def keep(folder: Path, content: bytes) -> str:
    """Write the zip into the stack's folder; the file's name, which no other content has."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{hashlib.sha256(content).hexdigest()[:16]}.zip"
    fresh = folder / f"{name}.new"
    fresh.write_bytes(content)
    fresh.replace(folder / name)
    return name


def unpack(zip_file: Path, folder: Path) -> None:
    """Lay the configuration into a new folder."""
    with zipfile.ZipFile(zip_file) as packed:
        packed.extractall(folder)
