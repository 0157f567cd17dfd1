"""OCIDs in Terraform's variables, of images and volumes: found, and changed in the one place where they are.

All functions are pure but those that take a folder, which read its files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from failover.model.outcome import Usage
from failover.model.site import TerraformAccess
from failover.model.stack_output import Launch, Server, Stack
from failover.tfvars import hcl_reader

_OF_A_LAUNCH = ("image_id", "shape", "availability_domain", "subnet_id", "private_ip")  # texts
_FIRST = ("terraform.tfvars", "terraform.tfvars.json")  # all others overrule them


@dataclass(frozen=True)
class WrittenImage:
    """Where a server's image_id is written, and what it is."""

    file: Path
    image_id: str


@dataclass(frozen=True)
class WrittenVolumes:
    """Where the volumes are written, and their OCIDs by name; "" for one that Terraform makes."""

    file: Path
    volume_ids: Mapping[str, str]


def files(folder: Path) -> list[Path]:
    """The files of variables that Terraform reads by itself, those that overrule others last."""
    auto = sorted([*folder.glob("*.auto.tfvars"), *folder.glob("*.auto.tfvars.json")])
    return [path for path in (*(folder / name for name in _FIRST), *auto) if path.exists()]


def parsed(text: str, name: str) -> Mapping[str, Any]:
    """The variables in the text of a file of this name. Raises ValueError."""
    return json.loads(text) if name.endswith(".json") else hcl_reader.read(text)


def written(folder: Path, server: str) -> WrittenImage | None:
    """Where Terraform takes the server's image_id from; None when no file has one. Raises Usage."""
    place = _last(folder, "servers")
    image_id = (place[1].get(server) or {}).get("image_id") if place else None
    return WrittenImage(place[0], str(image_id)) if place and image_id else None


def launching(stack: Stack, terraform: TerraformAccess) -> Stack:
    """The stack with what the next apply launches each server with (`launch_of_next`). Raises Usage."""
    servers = stack.servers.items()
    return replace(stack, servers={n: replace(s, launch=launch_of_next(s, terraform)) for n, s in servers})


def launch_of_next(server: Server, terraform: TerraformAccess) -> Launch | None:
    """What the next apply launches the server with; None for an adopted one.

    An image, or another place, that was named since the last apply is not in Terraform's state yet. A
    Resource Manager stack has its variables with itself: its state is believed. Raises Usage for a file that
    Terraform would not read.
    """
    place = None if terraform.stack_id or server.launch is None else _last(terraform.directory, "servers")
    if place is None or server.launch is None:
        return server.launch
    entry = place[1].get(server.name) or {}
    return replace(server.launch, **{name: entry[name] for name in _OF_A_LAUNCH if entry.get(name)})


def image_of_next(server: Server, terraform: TerraformAccess) -> str:
    """The image that the next apply launches the server from; "" for an adopted one. Raises Usage."""
    launch = launch_of_next(server, terraform)
    return launch.image_id if launch else ""


def _last(folder: Path, variable: str) -> tuple[Path, Mapping[str, Any]] | None:
    """The file that Terraform takes a variable from, and its value: another file's is overruled whole.

    Raises Usage for a file that cannot be read.
    """
    last = None
    for path in files(folder):
        try:
            value = parsed(path.read_text(encoding="utf-8"), path.name).get(variable)
        except (OSError, ValueError) as error:
            raise Usage(f"{path}: {error}", "correct that file; `terraform validate` reads it too") from error
        if isinstance(value, dict):
            last = (path, value)
    return last


def changed(text: str, name: str, server: str, image_id: str) -> str:
    """The text of the file with this image for the server, and every other byte as it is.

    Raises ValueError when that cannot be done by changing one word.
    """
    before = parsed(text, name)
    wanted = json.loads(json.dumps(before))
    wanted["servers"][server]["image_id"] = image_id
    for place in re.finditer(r'"?image_id"?\s*[=:]\s*"([^"]*)"', text):
        start, end = place.span(1)
        after = text[:start] + image_id + text[end:]
        if parsed(after, name) == wanted:
            return after
    raise ValueError(f"servers.{server}.image_id is not written as a plain text in {name}")


def written_volumes(folder: Path) -> WrittenVolumes | None:
    """Where Terraform takes the volumes from, and their OCIDs; None when no file has them. Raises Usage."""
    place = _last(folder, "volumes")
    if place is None:
        return None
    file, volumes = place
    return WrittenVolumes(
        file, {name: str((one or {}).get("volume_id") or "") for name, one in volumes.items()}
    )


def with_volumes(text: str, name: str, volume_ids: Mapping[str, str]) -> str:
    """The text of the file with these OCIDs as the volumes', and every other byte as it is.

    Raises ValueError when that cannot be done by changing one word for each.
    """
    wanted = json.loads(json.dumps(parsed(text, name)))
    before = {volume: wanted["volumes"][volume]["volume_id"] for volume in volume_ids}
    for volume, ocid in volume_ids.items():
        wanted["volumes"][volume]["volume_id"] = ocid
    new = {old: volume_ids[volume] for volume, old in before.items()}
    after = re.sub(
        r'("?volume_id"?\s*[=:]\s*")([^"]*)(")', lambda m: f"{m[1]}{new.get(m[2], m[2])}{m[3]}", text
    )
    if parsed(after, name) != wanted:
        raise ValueError(f"volume_id of {', '.join(volume_ids)} is not written as a plain text in {name}")
    return after


def named(folder: Path, ocids: list[str]) -> set[str]:
    """Those of the OCIDs that the stack's own files name anywhere."""
    texts = [
        path.read_text(encoding="utf-8", errors="replace") for path in (*files(folder), *folder.glob("*.tf"))
    ]
    return {ocid for ocid in ocids if any(ocid in text for text in texts)}
