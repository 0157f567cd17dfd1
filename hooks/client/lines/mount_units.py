"""systemd's own mount units (systemd.mount(5)), with their drop-ins, as lines that may be edited."""

import os
import re
from typing import Dict, List, NamedTuple, Optional, Set

from hooks.client.lines.fstab import NOWHERE, UNIT, MountLine, Span
from hooks.host.host import Host

OURS = "/etc/systemd/system"
# systemd.unit(5), the unit search path, without the generators' folders: what is in those came from fstab
_FOLDERS = (OURS, "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
_SETTING = re.compile(r"^[ \t]*(What|Where|Type|Options)[ \t]*=[ \t]*([^\r\n]*?)[ \t]*\r?$", re.MULTILINE)
_SECTION = re.compile(r"^\[Mount\][ \t]*\r?$(.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_ELSEWHERE = "copy it with `systemctl edit --full {}`, then correct its What="
_SPECIAL = "its What= or Options= holds a specifier, a quote or a continued line: correct it by hand"


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
    if what is None or where is None or ":/" not in what.value:
        return None
    options, place = (
        ("", NOWHERE)
        if "Options" not in unit_settings
        else (unit_settings["Options"].value, unit_settings["Options"].at)
    )
    kind = unit_settings["Type"].value if "Type" in unit_settings else "nfs"
    files = {item.file for key, item in unit_settings.items() if key in ("What", "Options")}
    mount = where.value
    return MountLine(
        what.file,
        UNIT,
        mount,
        mount,
        kind,
        what.value,
        options,
        what.at,
        place,
        _fixed(name, files, unit_settings),
    )


def _fixed(name: str, files: Set[str], unit_settings: Dict[str, UnitSetting]) -> str:
    values = "".join(unit_settings[key].value for key in ("What", "Options") if key in unit_settings)
    if re.search(r"[%\\\"']", values):
        return _SPECIAL
    if any(not file.startswith(OURS + "/") for file in files):
        return _ELSEWHERE.format(name)
    return "" if len(files) == 1 else "its What= and Options= are in two files: correct them by hand"


def automounted(source: str) -> bool:
    """Whether this source of a mount of type autofs is an automount unit's (systemd.automount(5))."""
    return source.startswith("systemd-")
