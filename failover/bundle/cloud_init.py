"""Renders the cloud-init document of a replacement server, the same bytes for every site."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import jinja2

from failover.atomic_file import write_whole
from failover.bundle import zipapp
from failover.paths import TEMPLATES
from hooks.guard import guard
from hooks.host import places
from hooks.layers import exports, fstab, lvm

METADATA_LIMIT = 32_000  # bytes, user_data and every other key together (OCI, LaunchInstanceDetails.metadata)
HEADROOM = 3_500  # bytes for what else travels as metadata: SSH keys and the site's spec
LOADER_PATH = f"{places.DISK}/loader.pyz"


class UserDataTooLarge(Exception):
    """The document does not fit into an instance's metadata."""


def render_cloud_init() -> str:
    """The cloud-config: the hooks' loader and their hash, the service, and a clean start from an image."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML and systemd units, not HTML
        keep_trailing_newline=True,
    )
    service = environment.get_template("nfs-failover.service.j2").render(
        loader_path=LOADER_PATH, hooks_sha256=zipapp.hooks_sha256()
    )
    return environment.get_template("cloud-init.yaml.j2").render(
        data_iqn_prefix=guard.DATA_IQN_PREFIX,
        devices_file=lvm.DEVICES_FILE,
        exports_files=f"{exports.OWN} {exports.ORDER}",
        fstab_mark=fstab.MARK,
        fstab_off=fstab.OFF,
        loader_base64=base64.b64encode(zipapp.loader_bytes()).decode(),
        loader_path=LOADER_PATH,
        service=service.rstrip("\n"),
        service_path=places.UNIT,
    )


def user_data(text: str) -> str:
    """Base64 of the gzipped text, as the metadata key of that name wants it. Raises UserDataTooLarge."""
    encoded = base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode()
    if len(encoded) > METADATA_LIMIT - HEADROOM:
        raise UserDataTooLarge(
            f"user_data: found {len(encoded)} bytes, expected at most {METADATA_LIMIT - HEADROOM} "
            f"({METADATA_LIMIT} less {HEADROOM} for keys and the spec); make hooks/ smaller"
        )
    return encoded


def write_rendered(directory: Path) -> Path:
    """Write cloud-init.yaml (to read) and user_data (for Terraform) there; gives user_data's path."""
    text = render_cloud_init()
    encoded = user_data(text)
    write_whole(directory / "cloud-init.yaml", text.encode())
    path = directory / "user_data"
    write_whole(path, (encoded + "\n").encode())
    return path
