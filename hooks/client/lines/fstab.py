"""The lines of a client's /etc/fstab, with the places of their fields: an edit keeps every other byte."""

import re
from typing import List, NamedTuple, Sequence, Tuple

PATH = "/etc/fstab"
FSTAB, UNIT, AUTOMAP = "fstab", "mount unit", "autofs map"
_FIELD = re.compile(r"[^ \t\r\n]+")
_ESCAPE = re.compile(r"\\([0-7]{3})")
# options that name the server once more (nfs(5)); clientaddr= is the client's own
ADDRESSES = ("addr", "mountaddr", "mounthost")
_ESCAPED = "its server is spelled with escapes: write the name or the address plainly"
Span = Tuple[int, int]
NOWHERE: Span = (-1, -1)


class MountLine(NamedTuple):
    """One place that says what is mounted where, in a file of the client.

    `mount` and `source` are without escapes; `spelled`: the mount point as the file has it, without escapes.
    `source_at` and `options_at`: where they stand in the file's text. `fixed`: why an edit is not ours to
    make, and what to do; empty when it is.
    """

    file: str
    kind: str
    mount: str
    spelled: str
    type: str
    source: str
    options: str
    source_at: Span
    options_at: Span
    fixed: str = ""

    @property
    def shown_file(self) -> str:
        """The file, as messages name it."""
        return "fstab" if self.kind == FSTAB else self.file

    def has(self, *options: str) -> bool:
        return bool(set(options) & set(self.options.split(",")))


def lines(text: str) -> List[MountLine]:
    """Every active line, as getmntent(3) and libmount read it: the last fields may be missing."""
    parsed, start = [], 0
    for raw in re.findall(r"[^\n]*\n|[^\n]+", text):
        fields = [(item.group(), (start + item.start(), start + item.end())) for item in _FIELD.finditer(raw)]
        start += len(raw)
        if len(fields) >= 3 and not fields[0][0].startswith("#"):
            parsed.append(_line(fields))
    return parsed


def _line(fields: Sequence[Tuple[str, Span]]) -> MountLine:
    words = [unescaped(word) for word, _ in fields] + [""]
    options, place = (words[3], fields[3][1]) if len(fields) > 3 else ("", NOWHERE)
    fixed = _ESCAPED if _escaped([word for word, _ in fields], words) else ""
    return MountLine(PATH, FSTAB, words[1], words[1], words[2], words[0], options, fields[0][1], place, fixed)


def _escaped(raw: Sequence[str], words: Sequence[str]) -> bool:
    """Whether what an edit replaces is spelled in another way than it is meant."""
    in_source = raw[0].partition(":/")[0] != words[0].partition(":/")[0]
    return in_source or (names_server(words[3]) and raw[3] != words[3])


def names_server(options: str) -> bool:
    """Whether one of these options names the server once more."""
    return any(word.partition("=")[0] in ADDRESSES for word in options.split(","))


def unescaped(text: str) -> str:
    r"""A space is \040 in fstab (fstab(5))."""
    return _ESCAPE.sub(lambda octal: chr(int(octal.group(1), 8)), text)


Edit = Tuple[int, int, str]  # from, to, the new text


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with these places changed, and every other byte kept."""
    for start, end, new in sorted(set(edits), reverse=True):
        text = text[:start] + new + text[end:]
    return text
