"""Which files may be carried, and which of their lines a server takes from data that clients can write.

Where an export lets a client's root be root (no_root_squash), that client can write the copy too. A server
then takes only lines that cannot name a program, a library or a file to load.
"""

import re
from typing import NamedTuple, Pattern, Tuple

from hooks.contract.spec import Filesystem, ServerSpec, filesystem_of

_WORDS = r"[\w .,:;+@#\"'-]*"  # no slash: neither a program nor a library
_FOLDERS = r"/(?:var/run|run|var/lib/nfs)(?:/[\w-]+)*"  # root's own, where nfs-utils keeps its state
_NAMES = r"(?:RPC|STATD|LOCKD|MOUNTD|NFS|NEED_|GSS|SVCGSSD|SM|RQUOTAD)\w*"
_SHOWN = 80  # characters of a line in a message
_REFUSED = (
    "{}: found `{}`, expected neither a path nor another key, because clients' root can write the copy; "
    "export with root_squash, or have it in the image"
)


class _Kind(NamedTuple):
    paths: Pattern[str]
    line: Pattern[str]


def _kind(paths: str, line: str) -> _Kind:
    return _Kind(re.compile(paths), re.compile(line))


_KINDS: Tuple[_Kind, ...] = (
    _kind(
        r"/etc/(nfs\.conf|nfs\.conf\.d/[^/]+|idmapd\.conf)",
        r"\[[\w \"-]+\]|(?!(?i:include|ha-callout)\b)[A-Za-z][\w.-]*\s*=\s*(?:"
        + _WORDS
        + "|"
        + _FOLDERS
        + ")",
    ),
    _kind(r"/etc/(sysconfig|default)/[^/]+", _NAMES + r"=[\w .,:+=\"'-]*"),
    _kind(r"/etc/projects", r"\d+:/[^\x00-\x1f]*"),
    _kind(r"/etc/projid", r"[^\s:#]+:\d+"),
    _kind(r"/etc/sysctl(\.conf|\.d/[^/]+)", r"-?(?:sunrpc|net|vm|fs[./]nfs)[./][\w./*-]+\s*=\s*[\w .,:+-]*"),
)
_EMPTY = re.compile(r"(?:[#;].*)?")
_SECRET = re.compile(r"PRIVATE KEY|^\s*[\w-]*(?:password|passwd|secret)[\w-]*\s*=\s*\S", re.I | re.M)


def objection(path: str, text: str, writable: bool) -> str:
    """Why this text is not carried to another server; empty when it may be.

    `writable`: whether a client's root can write the copy.
    """
    if _SECRET.search(text):
        return path + ": it has a key or a password, expected no secret; keep that in a file of its own"
    if not writable:
        return ""
    lines = [kind.line for kind in _KINDS if kind.paths.fullmatch(path)]
    if not lines:
        return (
            "{}: of a kind that is not known here, expected one that clients' root cannot write; export with "
            "root_squash, or install it with the image".format(path)
        )
    for line in map(str.strip, text.splitlines()):
        if not _EMPTY.fullmatch(line) and not lines[0].fullmatch(line):
            return _REFUSED.format(path, line[:_SHOWN])
    return ""


def writable(spec: ServerSpec, filesystem: Filesystem) -> bool:
    """Whether an export of this filesystem lets a client's root write as root (exports(5))."""
    return any(
        _as_root(export.options) and filesystem_of(spec, export.path) == filesystem for export in spec.exports
    )


def _as_root(options: str) -> bool:
    words = options.split(",")
    squash = [word for word in words if word in ("root_squash", "no_root_squash", "all_squash")]
    root = squash[-1:] == ["no_root_squash"] or "anonuid=0" in words
    return root and "rw" in words
