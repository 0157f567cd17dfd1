"""The text of our own exports file, and what exports tables say, as pure functions (exports(5)).

All functions are pure: they do not touch the host.
"""

import ipaddress
import re
from typing import Callable, List, Match, Sequence, Set, Tuple

from hooks.contract.paths import normalized
from hooks.contract.spec import Export, ServerSpec, filesystem_of
from hooks.layers import fstab

OWN = "/etc/exports.d/nfs-failover.exports"
ORDER = "/etc/systemd/system/nfs-server.service.d/nfs-failover-order.conf"
_HEAD = "# kept by nfs-failover: changes here are overwritten\n"
_CLIENT = re.compile(r"([^\s()]+)?(?:\(([^()]*)\))?")
_PATH = re.compile(r'\s*((?=/|"/)(?:"[^"]*"|[^\s"])+)')  # quotes may stand anywhere in a word
_CONTINUED = re.compile(r"\\\r?\n")
_WHOLE_LINE = re.compile(r"(?:[^\n]*\\\r?\n)*[^\n]*\n?")
_PLAIN = re.compile(r"[^A-Za-z0-9:_.]")  # what a unit's name has in another form
Pair = Tuple[str, str]


def wanted(spec: ServerSpec) -> List[Pair]:
    return [(export.path, client) for export in spec.exports for client in export.clients]


def own_text(spec: ServerSpec, elsewhere: Set[Pair]) -> str:
    """Our file: every export of the spec that no other file has already; empty when none is left."""
    known, lines = {(path, canonical(client)) for path, client in elsewhere}, []
    for export in spec.exports:
        clients = [client for client in export.clients if (export.path, canonical(client)) not in known]
        options = ",".join(_options(spec, export))
        if clients:
            lines.append(
                " ".join([export.path] + ["{}({})".format(client, options) for client in clients]) + "\n"
            )
    return _HEAD + "".join(lines) if lines else ""


def order(spec: ServerSpec, own: str) -> str:
    """The drop-in that has nfsd start after the mounts of our file (systemd.unit(5)); empty without any.

    nfs-server-generator(8) leaves out exports with mp. A client that asks nfsd before the mount has no answer
    for minutes after it: rpc.mountd(8) puts the question off, and `exportfs -f` does not bring it back.
    """
    filesystems = [filesystem_of(spec, path) for path, _ in parse(own)]
    units = sorted({_mount_unit(item.mount) for item in filesystems if item})
    return "{}[Unit]\nAfter={}\n".format(_HEAD, " ".join(units)) if units else ""


def _mount_unit(mount: str) -> str:
    """The name of its unit, as systemd-escape(1) --path writes it."""
    name = "-".join(_PLAIN.sub(_escaped, part) for part in mount.strip("/").split("/"))
    return re.sub(r"^\.", r"\\x2e", name) + ".mount"


def _escaped(match: Match[str]) -> str:
    return "".join(map("\\x{:02x}".format, match.group().encode(errors="surrogateescape")))


def concerned(spec: ServerSpec, path: str) -> bool:
    """Whether this path lies in one of the spec's filesystems, which are to be unmounted."""
    return filesystem_of(spec, path) is not None


def _options(spec: ServerSpec, export: Export) -> Sequence[str]:
    """With fsid, clients' file handles outlive a takeover; with mp, the empty directory is never exported."""
    options = export.options.split(",")
    names = [option.split("=")[0] for option in options]
    if export.fsid is not None and "fsid" not in names:
        options.append("fsid={}".format(export.fsid))
    filesystem = filesystem_of(spec, export.path)
    if filesystem and not {"mp", "mountpoint"} & set(names):
        options.append("mp=" + filesystem.mount)
    return options


def parse(text: str) -> Set[Pair]:
    """Pairs of path and client in an exports file or in `exportfs -s`; what it cannot read it leaves out."""
    pairs: Set[Pair] = set()
    for line in _CONTINUED.sub(" ", text).split("\n"):
        path = _path(line)
        matches = [_CLIENT.fullmatch(word) for word in words(line) if not word.startswith("-")]
        clients = [item.group(1) or "*" for item in matches if item] or ["*"][len(matches) :]
        pairs |= {(path, "*" if client == "<world>" else client) for client in clients if path}
    return pairs


def words(line: str) -> List[str]:
    """What stands behind the path: clients with their options, and options for all of them."""
    return _PATH.sub("", line, 1).split("#")[0].replace('"', "").split()


def is_client(word: str) -> bool:
    """Whether exportfs(8) takes this for a client with its options: blanks within it make it none."""
    return _CLIENT.fullmatch(word) is not None


def _path(line: str) -> str:
    """The path of an export, as the kernel would show it; empty where there is none."""
    match = _PATH.match(line)
    return normalized(fstab.plain(match.group(1).replace('"', ""))) if match else ""


def put_off(text: str, ours: Callable[[str], bool]) -> str:
    """The file's text with every line for a path of ours commented out, until it is restored."""
    return _WHOLE_LINE.sub(lambda match: _off(match.group(), ours), text)


def _off(lines: str, ours: Callable[[str], bool]) -> str:
    path = _path(_CONTINUED.sub(" ", lines))
    if not path or not ours(path):
        return lines
    return re.sub("^", fstab.OFF, lines[:-1] if lines.endswith("\n") else lines, flags=re.M) + "\n"


def canonical(client: str) -> str:
    """One spelling for a network (dotted netmask or prefix) and for a name."""
    try:
        return str(ipaddress.ip_network(client, False))
    except ValueError:
        return client.lower()


def covers(exported: str, client: str) -> bool:
    """Whether an entry of the table serves this client, as far as that shows without a name service."""
    mine, other = canonical(exported), canonical(client)
    if mine in ("*", other) or "/" not in mine or "/" not in other:
        return mine in ("*", other)
    try:
        network, wanted = ipaddress.ip_network(mine), ipaddress.ip_network(other)
    except ValueError:  # gss/krb5, the old way to ask for Kerberos
        return False
    return wanted.network_address in network and wanted.prefixlen >= network.prefixlen
