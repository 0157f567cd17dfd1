"""The text of our own exports file, and what exports tables say, as pure functions (exports(5))."""

import re
from typing import List, Sequence, Set, Tuple

from hooks.spec import Export, ServerSpec, filesystem_of

OWN = "/etc/exports.d/nfs-failover.exports"
_HEAD = "# kept by nfs-failover: changes here are overwritten\n"
_CLIENT = re.compile(r"([^\s()]+)?(?:\(([^()]*)\))?")
Pair = Tuple[str, str]


def wanted(spec: ServerSpec) -> List[Pair]:
    return [(export.path, client) for export in spec.exports for client in export.clients]


def own_text(spec: ServerSpec, elsewhere: Set[Pair]) -> str:
    """Our file: every export of the spec that no other file has already; empty when none is left."""
    lines = []
    for export in spec.exports:
        clients = [client for client in export.clients if (export.path, client) not in elsewhere]
        options = ",".join(_options(spec, export))
        if clients:
            lines.append(
                " ".join([export.path] + ["{}({})".format(client, options) for client in clients]) + "\n"
            )
    return _HEAD + "".join(lines) if lines else ""


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
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        words = line.split("#")[0].split()
        for word in words[1:] if words and words[0].startswith("/") else []:
            found = _CLIENT.fullmatch(word)
            if found and not word.startswith("-"):
                pairs.add((words[0], _world(found.group(1) or "*")))
    return pairs


def _world(client: str) -> str:
    return "*" if client == "<world>" else client
