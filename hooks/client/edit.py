"""Points a client's lines at the target: the host's part of a source, addresses in options, no other byte."""

import difflib
from typing import Dict, List, NamedTuple, Tuple

from hooks.client.lines import fstab
from hooks.client.lines.fstab import ADDRESSES, NOWHERE, Edit, MountLine, Span
from hooks.client.site_names import option, source_of
from hooks.client.view import ClientView, MountPoint
from hooks.host import text_file
from hooks.host.host import HookError, Host


class NewText(NamedTuple):
    """What a line says once it is edited."""

    source: str
    options: str


def after(view: ClientView, line: MountLine) -> NewText:
    """The line's source and options with the target in the place of a former server."""
    before = view.before(line)
    return NewText(
        new_source(view, line.source, before.host), _new_options(view, line.options, before.options)
    )


def new_source(view: ClientView, source: str, before: str = "") -> str:
    """The source with the target's name or address, in the style of what was there, or of `before`."""
    parsed = source_of(source)
    if parsed is None or not parsed.host or not view.former(view.names.owner(parsed.host)):
        return source
    called = view.names.target_as(parsed.host, before)
    head = "[{}]".format(called) if ":" in called else called
    return head + source[len(source.partition(":/")[0]) :]


def _new_options(view: ClientView, options: str, before: str = "") -> str:
    changed = []
    for word in options.split(","):
        name, _, value = word.partition("=")
        if name in ADDRESSES and view.former(view.names.owner(value)):
            changed.append("{}={}".format(name, view.names.target_as(value, option(before, name))))
        else:
            changed.append(word)
    return ",".join(changed)


def stale(view: ClientView, line: MountLine) -> bool:
    """Whether the line names a server that no longer serves."""
    return after(view, line) != (line.source, line.options)


def edit(host: Host, view: ClientView, places: List[MountPoint]) -> List[str]:
    """Edits every stale line of the places, file by file, each as a whole or not at all."""
    wanted = _stale_lines(view, places)
    for file, lines in sorted(_by_file(wanted).items()):
        text_file.edit(host, file, lambda text, lines=lines: _edited(view, text, lines))  # type: ignore[misc]
    edited = ["{} repointed in {}".format(line.mount, line.shown_file) for line in wanted]
    return sorted(set(edited), key=edited.index)


def diff(host: Host, view: ClientView, places: List[MountPoint]) -> List[str]:
    """What `edit` would change: the lines before (-) and after (+), each with its file."""
    shown: List[str] = []
    for file, lines in sorted(_by_file(_stale_lines(view, places)).items()):
        before = host.read(file) or ""
        after_edit = _edited(view, before, lines)
        for text in difflib.ndiff(before.splitlines(), after_edit.splitlines()):
            if text[:2] in ("- ", "+ "):
                shown.append("{} {}: {}".format(text[0], file, text[2:]))
    return shown


def _stale_lines(view: ClientView, places: List[MountPoint]) -> List[MountLine]:
    return [line for place in places for line in place.lines if stale(view, line)]


def _by_file(lines: List[MountLine]) -> Dict[str, List[MountLine]]:
    files: Dict[str, List[MountLine]] = {}
    for line in lines:
        files.setdefault(line.file, []).append(line)
    return files


def _edited(view: ClientView, text: str, lines: List[MountLine]) -> str:
    return fstab.edited(text, [edit for line in lines for edit in _edits(view, text, line)])


def _edits(view: ClientView, text: str, line: MountLine) -> List[Edit]:
    """In the file's own spelling, escapes and all: only what names the server is replaced."""
    edits = []
    for span, new in _parts(view, text, line):
        if text[span[0] : span[1]] != new:
            edits.append((span[0], span[1], new))
    return edits


def _parts(view: ClientView, text: str, line: MountLine) -> List[Tuple[Span, str]]:
    raw = text[line.source_at[0] : line.source_at[1]]
    now, before = source_of(raw), source_of(line.source)
    if (now and now.host) != (before and before.host):
        raise HookError("{}: it changed while it was read; run the same command again".format(line.file))
    kept = view.before(line)
    parts = [(line.source_at, new_source(view, raw, kept.host))]
    if line.options_at != NOWHERE:
        options = text[line.options_at[0] : line.options_at[1]]
        parts.append((line.options_at, _new_options(view, options, kept.options)))
    return parts


def goes_to(view: ClientView, place: MountPoint) -> str:
    """The host that the place will be mounted from, as its line or its mount names it by then."""
    text, node = NewText("", ""), place.node or place.kept
    if place.lines:
        text = after(view, place.lines[0])
    elif node is not None:
        text = NewText(new_source(view, node.source), _new_options(view, node.options))
    return text.source.partition(":/")[0].strip("[]") or option(text.options, "addr")
