"""Maps of autofs in files (auto.master(5), autofs(5)), direct and indirect, as lines that may be edited."""

import os
import re
from typing import Iterable, List, NamedTuple, Set, Tuple

from hooks.client.lines.fstab import AUTOMAP, NOWHERE, MountLine
from hooks.contract.paths import normalized
from hooks.host.host import Host

MASTER = "/etc/auto.master"
_DIRECT = "/-"
_MOST_INCLUDES = 20
_WORD = re.compile(r"(?:[^\s\\\"]|\\[^\n]|\"[^\"\n]*\")+")
_LOGICAL = re.compile(r"(?:[^\n\\]|\\[^\n]|\\\n)+")  # a line, with the lines that a backslash continues
_PROGRAM = "it is a program: let its output name the server, or put the mount into a file map"
_COMPLEX = "the entry has several locations, variables or quotes: write it with one, HOST:/PATH"


class Map(NamedTuple):
    """One line of the master map. `name`: a file, or something else with its type before a colon."""

    mount: str
    name: str

    @property
    def file(self) -> str:
        """The map's file; empty for one that is none (LDAP, NIS, hosts, a program)."""
        kind, colon, path = self.name.rpartition(":")
        plain = path if not colon or kind in ("file", "file,sun") else ""
        return plain if plain.startswith("/") else ""


def maps(host: Host) -> List[Map]:
    """What the master map names, with the files that it includes."""
    all_maps: List[Map] = []
    _read_master(host, MASTER, all_maps, set())
    return all_maps


def _read_master(host: Host, file: str, all_maps: List[Map], visited: Set[str]) -> None:
    if file in visited or len(visited) > _MOST_INCLUDES:
        return
    visited.add(file)
    for words in _entries(_text(host, file)):
        first = words[0][0]
        if first.startswith("+dir:"):
            for name in _folder(host, first[len("+dir:") :]):
                _read_master(host, name, all_maps, visited)
        elif first.startswith("+"):
            included = first[1:] if first.startswith("+/") else os.path.join("/etc", first[1:])
            _read_master(host, included, all_maps, visited)
        elif len(words) > 1:
            all_maps.append(Map(first if first == _DIRECT else normalized(first), words[1][0]))


def _folder(host: Host, folder: str) -> List[str]:
    if not os.path.isdir(host.path(folder)):
        return []
    names = sorted(os.listdir(host.path(folder)))
    return [os.path.join(folder, name) for name in names if name.endswith(".autofs")]


def _text(host: Host, file: str) -> str:
    return (host.read(file) or "") if os.path.isfile(host.path(file)) else ""


Word = Tuple[str, Tuple[int, int]]


def _entries(text: str) -> List[List[Word]]:
    """The words of each logical line, with their places; comments and empty lines left out."""
    entries = []
    for line in _LOGICAL.finditer(text):
        words = [(item.group(), item.span()) for item in _WORD.finditer(text, line.start(), line.end())]
        if words and not words[0][0].startswith("#"):
            entries.append(words)
    return entries


def lines(host: Host, points: Iterable[str]) -> List[MountLine]:
    """The entries for these mount points, and every direct one."""
    mount_lines: List[MountLine] = []
    for item in maps(host):
        if item.file:
            executable = os.access(host.path(item.file), os.X_OK) and os.path.isfile(host.path(item.file))
            fixed = _PROGRAM if executable else ""
            mount_lines += map_lines(item, _text(host, item.file), points, fixed)
    return mount_lines


def map_lines(item: Map, text: str, points: Iterable[str], fixed: str = "") -> List[MountLine]:
    """The entries of this map's text that mount on one of the points; of a direct map all of them."""
    if fixed:  # what a program would answer is not known
        return [_unknown(item, point, fixed) for point in points if os.path.dirname(point) == item.mount]
    entries = [words for words in _entries(text) if not words[0][0].startswith("+")]
    if item.mount == _DIRECT:
        return [_line(item, words, words[0][0]) for words in entries if words[0][0].startswith("/")]
    keyed = {words[0][0]: words for words in reversed(entries)}
    wanted = sorted(set(points) | {os.path.join(item.mount, key) for key in keyed if key != "*"})
    here = [point for point in wanted if os.path.dirname(point) == item.mount]
    chosen = [(point, keyed.get(os.path.basename(point), keyed.get("*", []))) for point in here]
    return [_line(item, words, point) for point, words in chosen if words]


def _unknown(item: Map, point: str, fixed: str) -> MountLine:
    return MountLine(item.file, AUTOMAP, point, point, "nfs", "", "", NOWHERE, NOWHERE, fixed)


def _line(item: Map, words: List[Word], mount: str) -> MountLine:
    """`&` stands for the key (autofs(5)); options begin with a dash, one location follows."""
    options = [word for word in words[1:] if word[0].startswith("-")]
    places = [word for word in words[1:] if not word[0].startswith("-")]
    key = mount if item.mount == _DIRECT else os.path.basename(mount)
    listed = options[0][0][1:] if options else ""
    place = (options[0][1][0] + 1, options[0][1][1]) if options else NOWHERE
    raw, at = places[0] if places else ("", NOWHERE)
    simple = len(places) == 1 and len(options) < 2 and not re.search(r"[,&$()\"\\]", raw.partition(":/")[0])
    simple = simple and not re.search(r"[$\"\\]", raw)
    fixed = "" if simple and not raw.startswith("/") else _COMPLEX
    kind = _type(listed)
    return MountLine(
        item.file, AUTOMAP, normalized(mount), mount, kind, raw.replace("&", key), listed, at, place, fixed
    )


def _type(options: str) -> str:
    match = re.search(r"(?:^|,)fstype=([^,]+)", options)
    return match.group(1) if match else "nfs"
