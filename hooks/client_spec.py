"""What a client should mount, as values, and their parsing. Only an operator sends it."""

import re
from typing import NamedTuple, Tuple

from hooks.fields import Fields
from hooks.parse import HOST, PATH, data_path, unique

_MODE = re.compile(r"remount|reboot"), "'remount' or 'reboot'"
_NFS = re.compile(r"nfs4?"), "'nfs' or 'nfs4'"


class Mount(NamedTuple):
    server: str
    path: str
    mount: str
    type: str
    former_servers: Tuple[str, ...]


class ClientSpec(NamedTuple):
    deadline_seconds: int
    mode: str
    mounts: Tuple[Mount, ...]
    role: str = "client"


def parse(fields: Fields) -> ClientSpec:
    """The spec in these fields, but for its version and role; raises SpecError."""
    deadline, mode = (
        fields.number("deadline_seconds", 1, 86400, 120),
        fields.text("mode", *_MODE, default="remount"),
    )
    mounts = tuple(_mount(item) for item in fields.objects("mounts"))
    unique("spec.mounts", [mount.mount for mount in mounts])
    return ClientSpec(deadline, mode, mounts)


def _mount(fields: Fields) -> Mount:
    server, path, mount = fields.text("server", *HOST), fields.text("path", *PATH), data_path(fields, "mount")
    found = Mount(
        server, path, mount, fields.text("type", *_NFS, default="nfs"), fields.texts("former_servers", *HOST)
    )
    fields.done()
    return found
