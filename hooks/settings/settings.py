"""The settings layer: files of the root disk that the service needs, restored from their copy with the data.

It holds nobody up: what cannot be restored is named, and the service starts without it.
"""

import difflib
import os
from typing import Dict, List, NamedTuple, Tuple

from hooks.contract.result import ABSENT, BROKEN, PRESENT, LayerFinding
from hooks.contract.settings import SETTING
from hooks.contract.spec import ServerSpec
from hooks.host import text_file
from hooks.host.host import CommandFailed, HookError, Host
from hooks.host.mounts import mounted_on
from hooks.settings.copy import FOLDERS, MARK, Copy, content, digest, is_applied, load, opened
from hooks.settings.plain import objection, writable

NAME = "settings"
UNITS = ("rpc-rquotad.service", "quotarpc.service")  # one daemon, as EL and Debian call it
_RESTART_SECONDS = 120.0
_LONGEST = 400  # characters of a difference in a message; the whole of it is on standard error
_READERS = (  # who has to read a file again where it runs already
    ("/etc/idmapd.conf", "nfs-idmapd"),
    ("/etc/nfs.conf", "nfs-server"),
    ("/etc/sysconfig/nfs", "nfs-server"),
    ("/etc/default/nfs-kernel-server", "nfs-server"),
)
BY_HAND = ". Set it here by hand, then remove {}: the next preflight keeps what this server has"
_NOT_ALL = {1: "not every key is known to this kernel", 255: "not every key is known to this kernel"}


class SettingFile(NamedTuple):
    """A file as it should be on this host."""

    path: str
    text: str
    mode: int


class Pending(NamedTuple):
    """What is to be restored, and by path why something is not."""

    settings: Tuple[SettingFile, ...]
    left: Dict[str, str]


def check(host: Host, spec: ServerSpec) -> LayerFinding:
    """Present when nothing can be restored that is not; facts: `left`, by path why one is not restored."""
    if not any(mounted_on(host, item.mount) for item in spec.filesystems):
        return LayerFinding(ABSENT, "no data is mounted")
    try:
        copy = load(host, spec)
    except (HookError, OSError) as error:
        return LayerFinding(PRESENT, "not restored: {}".format(error), {"left": {"the copy": str(error)}})
    if copy is None:
        return LayerFinding(PRESENT, "no copy lies with the data yet; preflight makes it")
    if is_applied(host, copy):
        return LayerFinding(
            PRESENT, "as {} had them on {}, or changed here since".format(copy.host, copy.written)
        )
    pending = differing(host, spec, copy)
    missing = "; ".join(pending.left.values())
    remedy = BY_HAND.format("/".join((copy.filesystem.mount,) + FOLDERS))
    if pending.settings or not pending.left:
        names = ", ".join(setting.path for setting in pending.settings) or "nothing but the mark of it"
        text = "those of {} ({}) are not restored here: {}".format(copy.host, copy.written, names)
        return LayerFinding(
            BROKEN, "; ".join([text] + [missing] * bool(missing)), {"left": dict(pending.left)}
        )
    return LayerFinding(PRESENT, "not restored: " + missing + remedy, {"left": dict(pending.left)})


def differing(host: Host, spec: ServerSpec, copy: Copy) -> Pending:
    """Every file of the copy that this host has otherwise; what may not be restored is in `left`."""
    settings: List[SettingFile] = []
    left: Dict[str, str] = {}
    with opened(host, copy.filesystem) as folder:
        for path in sorted(copy.files):
            if not named(spec, path):
                host.note("{}: in the copy, and not of this site's settings: left alone".format(path))
                continue
            try:
                setting = _setting(host, spec, copy, path, folder)
                same = host.read(path) == setting.text
            except (HookError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                left[path] = str(error) if isinstance(error, HookError) else "{}: {}".format(path, error)
                continue
            settings += [] if same else [setting]
    return Pending(tuple(settings), left)


def _setting(host: Host, spec: ServerSpec, copy: Copy, path: str, folder: int) -> SettingFile:
    """One file of the copy; raises HookError when it may not be restored, or is not what was copied."""
    entry = copy.files[path]
    raw = content(folder, os.path.basename(str(entry["sha256"])))
    if digest(raw) != entry["sha256"]:
        raise CommandFailed("{}: its copy is not what was written on {}".format(path, copy.written))
    text = raw.decode("utf-8", "surrogateescape")
    wrong = objection(path, text, writable(spec, copy.filesystem)) or link(host, path)
    if wrong:
        raise CommandFailed(wrong)
    return SettingFile(path, text, int(entry["mode"]) & 0o644)


def named(spec: ServerSpec, path: str) -> bool:
    """Whether the spec carries this file: by its own name, or as a *.conf of a folder that is named."""
    if not SETTING[0].fullmatch(path):
        return False
    return path in spec.settings or (path.endswith(".conf") and os.path.dirname(path) in spec.settings)


def link(host: Host, path: str) -> str:
    """Why this path is not written to on this host; empty when it may be."""
    expected = os.path.join(os.path.realpath(host.root), path.lstrip("/"))
    if os.path.realpath(host.path(path)) == expected:
        return ""
    return path + ": found a symbolic link on the way to it, expected a plain file; put one in its place"


def apply(host: Host, spec: ServerSpec) -> List[str]:
    """Restores what differs, with the difference in the result; a file that cannot be written is named, and
    the others go on. Raises HookError or OSError when the copy cannot be read.
    """
    copy = load(host, spec)
    if copy is None:
        return []
    pending = differing(host, spec, copy)
    left, done = dict(pending.left), []
    for setting in pending.settings:
        try:
            done.append(_restored(host, copy, setting))
        except (HookError, OSError) as error:
            left[setting.path] = str(error)
    done += _units(host, copy) + _read_again(host, [setting.path for setting in pending.settings])
    done += ["not restored: " + text for text in left.values()]
    if not left:
        text_file.edit(host, MARK, lambda _: copy.digest + "\n", 0o600)
        done.append("settings are as {} had them on {}".format(copy.host, copy.written))
    return done


def _restored(host: Host, copy: Copy, setting: SettingFile) -> str:
    before = (host.read(setting.path) or "").splitlines()
    lines = list(difflib.unified_diff(before, setting.text.splitlines(), n=0, lineterm=""))[2:]
    text_file.edit(host, setting.path, lambda _: setting.text, setting.mode)
    os.chmod(host.path(setting.path), setting.mode)
    difference = " | ".join(line for line in lines if not line.startswith("@@"))
    return "{} as on {}: {}".format(setting.path, copy.host, difference[:_LONGEST])


def _units(host: Host, copy: Copy) -> List[str]:
    """The quota daemon, by whichever name this host has it."""
    if not any(state == "enabled" for unit, state in copy.units.items() if unit in UNITS):
        return []
    states = unit_states(host)
    if not states:
        return ["rpc.rquotad ran on {}, and is not installed here: clients see no quotas".format(copy.host)]
    unit, state = sorted(states.items())[0]
    if state == "enabled":
        return []
    started = _tried(host, "systemctl", "enable", "--now", unit)
    return [unit + (" enabled" if started else " does not start")]


def unit_states(host: Host) -> Dict[str, str]:
    """Whether each quota daemon that is installed is enabled at boot (systemctl(1), UnitFileState)."""
    states = {}
    for unit in UNITS:
        out = host.run("systemctl", "show", "-p", "LoadState,UnitFileState", unit).out
        fields = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        if fields.get("LoadState") == "loaded":
            states[unit] = fields.get("UnitFileState", "")
    return states


def _read_again(host: Host, paths: List[str]) -> List[str]:
    """Lets the kernel, and daemons that run already, have what was restored."""
    done = []
    for path in sorted(paths, key=_at_boot):
        if path.startswith("/etc/sysctl"):
            host.run("sysctl", "-q", "-p", host.path(path), tolerate=_NOT_ALL)
    units = [unit for start, unit in _READERS if any(path.startswith(start) for path in paths)]
    for unit in sorted(set(units)):
        if not _tried(host, "systemctl", "try-restart", unit):
            done.append(unit + " did not start again with the restored settings")
    return done


def _at_boot(path: str) -> str:
    """By what systemd-sysctl(8) sorts the files, so that the same value counts; /etc/sysctl.conf has a link
    99-sysctl.conf."""
    return "99-sysctl.conf" if path == "/etc/sysctl.conf" else os.path.basename(path)


def _tried(host: Host, *argv: str) -> bool:
    try:
        host.run(*argv, seconds=_RESTART_SECONDS)
    except CommandFailed as error:
        host.note(str(error))
        return False
    return True
