"""systemd's own mount units (systemd.mount(5)), with their drop-ins, as lines that may be edited."""

import os
import re
from typing import Dict, List, NamedTuple, Optional

from hooks.client.lines.fstab import NOWHERE, UNIT, MountLine, Span, names_server
from hooks.host.host import Host

OURS = "/etc/systemd/system"
# systemd.unit(5), the unit search path, without the generators' folders: what is in those came from fstab
_FOLDERS = (OURS, "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
_SETTING = re.compile(r"^[ \t]*(What|Where|Type|Options)[ \t]*=[ \t]*([^\r\n]*?)[ \t]*\r?$", re.MULTILINE)
_SECTION = re.compile(r"^[ \t]*\[Mount\][ \t]*\r?$(.*?)(?=^[ \t]*\[|\Z)", re.MULTILINE | re.DOTALL)
_ELSEWHERE = "copy it with `systemctl edit --full {}`, then correct its What="
_SPECIAL = (
    "its What= or Options= holds a specifier, a quote or a continued line: write each plainly, in one line"
)
_IN_TWO_FILES = (
    "its What= and Options= name the server in two files: put both into one (`systemctl edit --full {}`)"
)


class UnitSetting(NamedTuple):
    file: str
    value: str
    at: Span


def lines(host: Host) -> List[MountLine]:
    """Every mount unit of an NFS mount; a unit counts from the first folder that has it."""
    files: Dict[str, str] = {}
    for folder in _FOLDERS:
        for name in _names(host, folder, ".mount"):
            files.setdefault(name, os.path.join(folder, name))
    candidates = [_line(name, _settings(host, name, path)) for name, path in sorted(files.items())]
    return [line for line in candidates if line is not None]


def _names(host: Host, folder: str, end: str) -> List[str]:
    if not os.path.isdir(host.path(folder)):
        return []
    return sorted(name for name in os.listdir(host.path(folder)) if name.endswith(end))


def _settings(host: Host, name: str, path: str) -> Dict[str, UnitSetting]:
    """Each setting as the last file has it: the unit's, then its drop-ins' by their names."""
    drop_ins: Dict[str, str] = {}
    for folder in _FOLDERS:
        for part in _names(host, os.path.join(folder, name + ".d"), ".conf"):
            drop_ins.setdefault(part, os.path.join(folder, name + ".d", part))
    by_key: Dict[str, UnitSetting] = {}
    for file in [path] + [drop_ins[part] for part in sorted(drop_ins)]:
        if os.path.isfile(host.path(file)):  # not where it is masked (/dev/null)
            by_key.update(settings(file, host.read(file) or ""))
    return by_key


def settings(file: str, text: str) -> Dict[str, UnitSetting]:
    """What the section [Mount] of this file's text sets, each with its place in the text."""
    by_key = {}
    for section in _SECTION.finditer(text):
        for item in _SETTING.finditer(text, section.start(1), section.end(1)):
            by_key[item.group(1)] = UnitSetting(file, item.group(2), item.span(2))
    return by_key


def _line(name: str, unit_settings: Dict[str, UnitSetting]) -> Optional[MountLine]:
    what, where = unit_settings.get("What"), unit_settings.get("Where")
    if what is None or where is None or not (":/" in what.value or what.value.endswith("\\")):
        return None
    # its name is its mount point (systemd.mount(5)), which a specifier may only say once more
    mount = path_of(name) if "%" in where.value else where.value
    options = unit_settings.get("Options", UnitSetting(what.file, "", NOWHERE))
    kind = unit_settings["Type"].value if "Type" in unit_settings else "nfs"
    place = options.at if options.file == what.file else NOWHERE
    fixed = _fixed(name, what, options)
    return MountLine(what.file, UNIT, mount, mount, kind, what.value, options.value, what.at, place, fixed)


def path_of(name: str) -> str:
    r"""A mount unit's path: a slash is written as -, other characters as \xNN (systemd-escape(1))."""
    path = name[: -len(".mount")].replace("-", "/")
    return "/" + re.sub(r"\\x([0-9a-f]{2})", lambda octet: chr(int(octet.group(1), 16)), path)


def _fixed(name: str, what: UnitSetting, options: UnitSetting) -> str:
    """Options in another file are no hindrance, unless they name the server too."""
    if re.search(r"[%\\\"']", what.value + options.value):
        return _SPECIAL
    files = {what.file, options.file} if names_server(options.value) else {what.file}
    if any(not file.startswith(OURS + "/") for file in files):
        return _ELSEWHERE.format(name)
    return "" if len(files) == 1 else _IN_TWO_FILES.format(name)


def automounted(source: str) -> bool:
    """Whether this source of a mount of type autofs is an automount unit's (systemd.automount(5))."""
    return source.startswith("systemd-")
