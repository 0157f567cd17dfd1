"""Edits of /etc/fstab, text to text: the lines that the caller knows for its own, and no other (fstab(5)).

All functions are pure: they do not touch the host.
"""

import re
from typing import Callable, List, NamedTuple, Optional, Sequence

from hooks.contract.paths import normalized

MARK = "# nfs-failover: the next line is kept by nfs-failover"
OFF = "#nfs-failover off: "  # before a line that comes back as it was
PATH = "/etc/fstab"
_FIELDS = re.compile(r"^([^ \t]+[ \t]+[^ \t]+[ \t]+)[^ \t]+([ \t]*)[^ \t]*")
_ESCAPE = re.compile(r"\\([0-7]{3})")


class FstabLine(NamedTuple):
    """One line: names without their escapes, the mount point as the kernel would show it. `text`: all of it,
    as it is spelled."""

    active: bool
    device: str
    mount: str
    type: str
    options: str
    text: str


Match = Callable[[FstabLine], bool]


def parsed(text: str) -> Optional[FstabLine]:
    """The line in this text, commented out or not; None where it names no mount."""
    plainly = text.lstrip("# \t").rstrip("\r\n")
    words = re.findall(r"[^ \t]+", plainly)  # any other blank is part of a name
    if len(words) < 3 or not words[1].startswith("/"):
        return None
    options = words[3] if len(words) > 3 and not words[3].startswith("#") else "defaults"
    return FstabLine(_active(text), plain(words[0]), normalized(plain(words[1])), words[2], options, plainly)


def with_options(line: FstabLine, kind: str, options: str) -> str:
    """The line's text with this type and these options, and every other byte as it is."""
    return _FIELDS.sub(lambda match: match[1] + kind + (match[2] or " ") + options, line.text)


def plain(field: str) -> str:
    """Blanks and the like are octal in a field (getmntent(3)). No name has a NUL, which a crash may leave."""
    return _ESCAPE.sub(lambda octal: chr(int(octal.group(1), 8)), field).replace("\0", "\ufffd")


def lines(text: str) -> List[FstabLine]:
    """Every line that names a mount, the commented ones too."""
    return [line for line in map(parsed, _lines(text)) if line]


def best(text: str, ours: Match) -> Optional[FstabLine]:
    """The line that `enable` replaces: the first active one, else the first that is commented out."""
    own = [line for line in lines(text) if ours(line)]
    return ([line for line in own if line.active] + own + [None])[0]


def enable(text: str, entry: str, ours: Match) -> str:
    """The text with `entry`, a whole line without its end, active under our mark in place of the best line.

    Other active lines of ours go; all that are not ours keep every byte.
    """
    texts = _lines(text)
    places = [index for index, line in enumerate(texts) if _is(line, ours)]
    active = [index for index in places if _active(texts[index])]
    if not places:
        return _ended(text) + MARK + "\n" + entry + "\n"
    keep = (active or places)[0]
    out: List[str] = []
    for index, line in enumerate(texts):
        if index == keep:
            out += [] if out and out[-1].rstrip("\r\n") == MARK else [MARK + "\n"]
            out.append(entry + _end_of(line))
        elif index not in active:
            out.append(line)
    return "".join(out)


def disable(text: str, ours: Match, mark: str = "#") -> str:
    """The text with every active line of ours commented out."""
    return "".join(mark + line if _active(line) and _is(line, ours) else line for line in _lines(text))


def restore(text: str, ours: Optional[Match] = None) -> str:
    """The text with the lines that were put off as they were: all, or those of ours."""
    return "".join(_restored(line, ours) for line in _lines(text))


def _restored(line: str, ours: Optional[Match]) -> str:
    before = line[len(OFF) :]
    return before if line.startswith(OFF) and (ours is None or _is(before, ours)) else line


def active_sources(text: str, mount: str) -> List[str]:
    """What the active lines would mount on this mount point."""
    return [line.device for line in lines(text) if line.active and line.mount == mount]


def line_of(text: str, aliases: Sequence[str], mount: str) -> Optional[str]:
    """The active line for this device and mount point, without its end."""
    for line in _lines(text):
        fields = parsed(line)
        if fields and fields.active and fields.device in aliases and fields.mount == mount:
            return line.rstrip("\r\n")
    return None


def _is(text: str, ours: Match) -> bool:
    line = parsed(text)
    return line is not None and ours(line)


def _lines(text: str) -> List[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _active(line: str) -> bool:
    return not line.lstrip().startswith("#")


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :] or "\n"
