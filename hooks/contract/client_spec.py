"""What a client should mount, as values, and their parsing. Only an operator sends it."""

import re
from typing import Callable, NamedTuple, Optional, Tuple

from hooks.contract.fields import Fields, wrong
from hooks.contract.parse import HOST, unique
from hooks.contract.paths import normalized

_MODE = re.compile(r"remount|reboot"), "'remount' or 'reboot'"
FOLLOW, TO_SERVICE, TO_SERVER = "follow", "service", "server"  # what a client's lines are to name
_AIM = re.compile("|".join((FOLLOW, TO_SERVICE, TO_SERVER))), "'follow', 'service' or 'server'"
_TEXT = re.compile(r"[\s\S]{1,4096}"), "a path"
_KEPT = ("proc", "sys", "dev", "etc", "boot")  # a mount over these takes the client down
_PATH_MEANS = "an absolute path of printable characters, without '.' and '..', at most 4096 bytes"
_MOUNT_MEANS = "a path other than /, and outside " + ", ".join("/" + name for name in _KEPT)


Fault = Callable[[str], str]  # what was expected instead; empty when it is right


class KnownServer(NamedTuple):
    """A server of the site by everything that it is known by; a client's own names of it come on top."""

    name: str
    hostname: str
    addresses: Tuple[str, ...]


class ExportMount(NamedTuple):
    """The exported `path`, or one below it, and where the client mounts it; both normalized."""

    path: str
    mount: str


class ClientSpec(NamedTuple):
    """`server`: the name of the one that serves. `service`: addresses and names that follow the service.

    `exports`: every path that the site exports. `root`: the export that is NFSv4's root (exports(5),
    fsid=0), whose clients name paths from there. `aim`: FOLLOW points what names another server at the
    present one; TO_SERVICE has every line name the service, TO_SERVER the present server by its own name.
    """

    deadline_seconds: int
    mode: str
    server: str
    servers: Tuple[KnownServer, ...]
    service: Tuple[str, ...]
    exports: Tuple[str, ...]
    root: Optional[str]
    mounts: Tuple[ExportMount, ...]
    role: str = "client"
    aim: str = FOLLOW

    @property
    def target(self) -> KnownServer:
        return next(server for server in self.servers if server.name == self.server)


def path_fault(path: str) -> str:
    """What was expected instead of this exported path; empty when it is one."""
    plain = path.startswith("/") and path.isprintable() and ".." not in path.split("/")
    return "" if plain and len(path.encode("utf-8", "surrogatepass")) <= 4096 else _PATH_MEANS


def mount_fault(path: str) -> str:
    """What was expected instead of this mount point of a client; empty when it is one."""
    first = normalized(path).split("/")[1]
    return path_fault(path) or (_MOUNT_MEANS if first in ("",) + _KEPT else "")


def parse(fields: Fields) -> ClientSpec:
    """The spec in these fields, but for its version and role; raises SpecError."""
    spec = ClientSpec(
        fields.number("deadline_seconds", 1, 86400, 120),
        fields.text("mode", *_MODE, default="remount"),
        fields.text("server", *HOST),
        tuple(_server(item) for item in fields.objects("servers")),
        fields.texts("service", *HOST),
        tuple(_path(fields.where + ".exports", item) for item in fields.texts("exports", *_TEXT)),
        _root(fields),
        tuple(_mount(item) for item in fields.objects("mounts")),
        aim=fields.text("aim", *_AIM, default=FOLLOW),
    )
    names = [server.name for server in spec.servers]
    unique("spec.servers.name", names)
    unique("spec.mounts.mount", [mount.mount for mount in spec.mounts])
    if spec.server not in names:
        raise wrong("spec.server", spec.server, "one of: " + ", ".join(names))
    return spec


def _server(fields: Fields) -> KnownServer:
    server = KnownServer(
        fields.text("name", *HOST), fields.text("hostname", *HOST), fields.texts("addresses", *HOST)
    )
    fields.done()
    return server


def _root(fields: Fields) -> Optional[str]:
    root = fields.optional("root", *_TEXT)
    return None if root is None else _path(fields.where + ".root", root)


def _mount(fields: Fields) -> ExportMount:
    where, path, mount = fields.where, fields.text("path", *_TEXT), fields.text("mount", *_TEXT)
    fields.done()
    if mount_fault(mount):
        raise wrong(where + ".mount", mount, mount_fault(mount))
    return ExportMount(_path(where + ".path", path), normalized(mount))


def _path(where: str, path: str) -> str:
    if path_fault(path):
        raise wrong(where, path, path_fault(path))
    return normalized(path)
