"""Keeps a serving host's settings with the data: what may be carried, and why something is not."""

import json
import os
import re
import socket
import stat
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from hooks.contract.spec import ServerSpec
from hooks.host import text_file
from hooks.host.host import HookError, HookRefused, Host
from hooks.host.mounted_folder import make_folder, open_on_mount, open_root_owned
from hooks.host.mounts import mounted_on
from hooks.host.whole_file import put
from hooks.settings import copy
from hooks.settings.copy import FOLDERS, LARGEST, MANIFEST, MARK, Copy
from hooks.settings.plain import objection, writable
from hooks.settings.settings import link, named, unit_states

_QUOTAS = ("usrquota", "uqnoenforce", "grpquota", "gqnoenforce", "prjquota", "pqnoenforce", "quota")
_MOST_FILES = 64
_READ_BY_NFS = ("/etc/nfs.conf", "/etc/idmapd.conf")
_NOT_INCLUDED = "{}: it includes {}, which is not carried, expected all of it; name that in settings_files"
_THREADS = "/proc/fs/nfsd/threads"
_VERSIONS = "/proc/fs/nfsd/versions"


class Captured(NamedTuple):
    """What this host has. `files`: path -> text and mode. `left`: why a file is not carried, each with its
    remedy after the last semicolon."""

    files: Dict[str, Tuple[bytes, int]]
    left: List[str]


def capture(host: Host, spec: ServerSpec) -> Captured:
    """Every file of the spec's settings that this host has. Raises HookError and OSError."""
    place = copy.homes(spec)[0]
    files: Dict[str, Tuple[bytes, int]] = {}
    left: List[str] = []
    for path in dict.fromkeys(_paths(host, spec)):
        try:
            files[path] = _file(host, path, writable(spec, place))
        except HookError as error:
            left.append(str(error))
    for path in sorted(files):
        left += [_NOT_INCLUDED.format(path, name) for name in _included(host, path) if name not in files]
    for path in sorted(files)[_MOST_FILES:]:
        left.append("{}: more than {} files, expected fewer; name fewer folders".format(path, _MOST_FILES))
        del files[path]
    return Captured(files, left)


def _included(host: Host, path: str) -> List[str]:
    """What nfs-utils reads besides for this file of its own (nfs.conf(5), include), and is here."""
    if not path.startswith(_READ_BY_NFS):
        return []
    names = re.findall(r"^\s*include\s*=\s*[\"']?-?([^\s\"'#;]+)", host.read(path) or "", re.I | re.M)
    paths = [os.path.normpath(os.path.join(os.path.dirname(path), name)) for name in names]
    return [name for name in paths if os.path.exists(host.path(name))]


def _paths(host: Host, spec: ServerSpec) -> Iterator[str]:
    """Files, and the *.conf of folders, that are here."""
    for path in spec.settings:
        if os.path.isdir(host.path(path)):
            names = [path + "/" + name for name in sorted(os.listdir(host.path(path)))]
            yield from (name for name in names if named(spec, name))
        elif os.path.lexists(host.path(path)):
            yield path


def _file(host: Host, path: str, clients_write: bool) -> Tuple[bytes, int]:
    """The text and mode of a file; raises HookRefused when it is not to be carried."""
    wrong = link(host, path)
    if wrong:
        raise HookRefused(wrong)
    status = os.stat(host.path(path))
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
        text = "{}: found {} bytes, expected a plain file of at most {}; take it out of settings_files"
        raise HookRefused(text.format(path, status.st_size, LARGEST))
    if status.st_uid != os.geteuid() or status.st_mode & 0o22:
        text = "{}: found owner {} and mode {:o}, expected one that only root writes; chown root, chmod go-w"
        raise HookRefused(text.format(path, status.st_uid, status.st_mode & 0o7777))
    if not status.st_mode & 0o004:
        text = "{}: found mode {:o}, as of a secret, expected a file that all may read; chmod a+r it"
        raise HookRefused(text.format(path, status.st_mode & 0o7777))
    with open(host.path(path), "rb") as file:
        raw = file.read(LARGEST)
    wrong = objection(path, raw.decode("utf-8", "surrogateescape"), clients_write)
    if wrong:
        raise HookRefused(wrong)
    return raw, status.st_mode & 0o644


def state(host: Host, spec: ServerSpec) -> Dict[str, Any]:
    """What the kernel has: nfsd's "threads" and "versions" where it runs, "quotas": options by mount."""
    quotas = {}
    for item in spec.filesystems:
        options = [mounted.options.split(",") for mounted in mounted_on(host, item.mount)[-1:]]
        quotas[item.mount] = sorted({option for words in options for option in words if option in _QUOTAS})
    threads = (host.read(_THREADS) or "0").strip()
    running = {"threads": int(threads), "versions": (host.read(_VERSIONS) or "").strip()}
    return dict(running if threads.isdigit() and int(threads) else {}, quotas=quotas)


def keep(host: Host, spec: ServerSpec) -> Captured:
    """Makes the copy as this host is now, unless it is so already; only that host may whose files count.

    Raises HookRefused on a host that never took in the copy that is there: what it lacks would be lost.
    """
    now = capture(host, spec)
    before = copy.load(host, spec)
    if before and not copy.is_applied(host, before):
        where = "/".join((before.filesystem.mount,) + FOLDERS)
        text = (
            "the settings of {} ({}) were not restored here, and are kept; run failover again, or remove {} "
            "to keep what this server has"
        )
        raise HookRefused(text.format(before.host, before.written, where))
    units = unit_states(host)
    files = {
        path: {"sha256": copy.digest(raw), "mode": mode, "owner": 0}
        for path, (raw, mode) in now.files.items()
    }
    kernel = state(host, spec)
    place = copy.homes(spec)[0]
    if before and _same(before, place.mount, files, units, kernel):
        return now
    manifest = {
        "version": 1,
        "host": socket.gethostname(),
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "files": files,
        "units": units,
        "state": kernel,
    }
    raw = json.dumps(manifest, sort_keys=True).encode()
    _write(host, spec, raw, now)
    text_file.edit(host, MARK, lambda _: copy.digest(raw) + "\n", 0o600)
    return now


def _same(before: Copy, mount: str, files: object, units: object, kernel: Dict[str, Any]) -> bool:
    known = dict(before.state, **kernel)  # nfsd at rest tells nothing of its threads
    parts = (before.filesystem.mount, before.files, before.units, before.state)
    return parts == (mount, files, units, known)


def _write(host: Host, spec: ServerSpec, manifest: bytes, now: Captured) -> None:
    """The texts first, then the manifest, then what no manifest names any more goes."""
    mount = copy.homes(spec)[0].mount
    folders = [open_on_mount(host, mount, mount)]
    try:
        for name, mode in zip(FOLDERS, (0o755, 0o700)):  # noqa: B905 - Python 3.6
            make_folder(name, folders[-1], mode)
            folders.append(open_root_owned(name, folders[-1]))
        os.fchmod(folders[-1], 0o700)
        texts = {copy.digest(raw): raw for raw, _ in now.files.values()}
        for name, raw in sorted(texts.items()):
            put(name, raw, folders[-1], 0o600)
        put(MANIFEST, manifest, folders[-1], 0o600)
        for name in set(os.listdir(folders[-1])) - set(texts) - {MANIFEST}:
            if re.fullmatch(r"[0-9a-f]{64}(\.new)?", name):
                os.unlink(name, dir_fd=folders[-1])
    finally:
        for folder in folders:
            os.close(folder)
