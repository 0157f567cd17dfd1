"""Edits of a client's /etc/fstab, text to text: the first field of the lines named, and no other byte."""

import re
from typing import Sequence

_LINE = re.compile(r"^\s*(?P<device>[^\s#]\S*)\s+(?P<mount>/\S*)\s+\S+(\s.*)?$", re.DOTALL)


def repoint(text: str, sources: Sequence[str], source: str, mount: str) -> str:
    """The text with the first field of the active lines `one of sources` on `mount` changed to `source`."""
    return "".join(_repointed(line, sources, source, mount) for line in re.findall(r"[^\n]*\n|[^\n]+", text))


def _repointed(line: str, sources: Sequence[str], source: str, mount: str) -> str:
    found = _LINE.match(line)
    if not found or found.group("mount") != mount or found.group("device") not in sources:
        return line
    return line[: found.start("device")] + source + line[found.end("device") :]
