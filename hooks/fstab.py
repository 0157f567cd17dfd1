"""Edits of /etc/fstab, text to text: the line named by device and mount point, and no other."""

import re
from typing import Callable, List, Optional, Sequence

MARK = "# nfs-failover: the next line is kept by nfs-failover"
PATH = "/etc/fstab"
_LINE = re.compile(
    r"^(?P<comment>[#\s]*)(?P<device>[^\s#]\S*)(?P<gap>\s+)(?P<mount>/\S*)\s+\S+(\s.*)?$", re.DOTALL
)
Match = Callable[[str, str], bool]


def enable(text: str, entry: str, aliases: Sequence[str]) -> str:
    """The text with `entry` active under our mark, in place of the line for the same device and mount.

    Other lines keep every byte. `entry` is a whole line without its end; `aliases` are the names that the
    device may go by.
    """
    mount = entry.split()[1]
    lines = _lines(text)
    places = [index for index, line in enumerate(lines) if _names(line, aliases, mount)]
    active = [index for index in places if _active(lines[index])]
    if not places:
        return _ended(text) + MARK + "\n" + entry + "\n"
    keep = (active or places)[0]
    drop = [index for index in active if index != keep]
    out: List[str] = []
    for index, line in enumerate(lines):
        if index == keep:
            out += [] if out and out[-1].rstrip("\r\n") == MARK else [MARK + "\n"]
            out.append(entry + _end_of(line))
        elif index not in drop:
            out.append(line)
    return "".join(out)


def disable(text: str, aliases: Sequence[str], mount: str) -> str:
    """The text with every active line for this device and mount point commented out."""
    lines = _lines(text)
    return "".join("#" + line if _active(line) and _names(line, aliases, mount) else line for line in lines)


def active_sources(text: str, mount: str) -> List[str]:
    """What the active lines would mount on this mount point."""
    found = [_LINE.match(line) for line in _lines(text) if _active(line)]
    return [item.group("device") for item in found if item and item.group("mount") == mount]


def line_of(text: str, aliases: Sequence[str], mount: str) -> Optional[str]:
    """The active line for this device and mount point, without its end."""
    for line in _lines(text):
        if _active(line) and _names(line, aliases, mount):
            return line.rstrip("\r\n")
    return None


def _names(line: str, aliases: Sequence[str], mount: str) -> bool:
    found = _LINE.match(line)
    return found is not None and found.group("device") in aliases and found.group("mount") == mount


def _lines(text: str) -> List[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _active(line: str) -> bool:
    return not line.lstrip().startswith("#")


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :] or "\n"
