"""Which host keys are trusted, by known_hosts files in OpenSSH's format (sshd(8))."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import asyncssh

from failover.model.outcome import Usage

_LOCK = threading.Lock()
_PARSED: dict[tuple[tuple[Path, int, int], ...], asyncssh.SSHKnownHosts] = {}


def known(files: tuple[Path, ...]) -> asyncssh.SSHKnownHosts:
    """All keys of these files. A file that is not there is empty; a line that is not understood is skipped.

    Raises Usage for a file that is there and cannot be read.
    """
    stamps = tuple((f, s.st_mtime_ns, s.st_size) for f in files if (s := _status(f)))
    with _LOCK:  # the first host parses, the others wait: a file of 1,000 hosts takes its time
        if stamps not in _PARSED:
            parsed = asyncssh.SSHKnownHosts()
            for file, _, _ in stamps:
                _load(parsed, file)
            _PARSED[stamps] = parsed
        return _PARSED[stamps]


def pinned(address: str, keys: tuple[str, ...]) -> asyncssh.SSHKnownHosts:
    """Exactly these keys ("ssh-ed25519 AAAA...") for the host at this address."""
    return asyncssh.import_known_hosts("".join(f"{address} {key}\n" for key in keys))


def is_known(hosts: asyncssh.SSHKnownHosts, host: str, address: str, port: int) -> bool:
    """Whether any key or authority is on record for the host: another key than that is a changed one."""
    keys, authorities, *_ = hosts.match(host, address, None if port == 22 else port)
    return bool(keys or authorities)


def _status(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Usage(
            f"known_hosts {file}: {error.strerror}", "correct [ssh] known_hosts or the file"
        ) from error


def _load(parsed: asyncssh.SSHKnownHosts, file: Path) -> None:
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError as error:
        raise Usage(
            f"known_hosts {file}: {error.strerror}", "correct [ssh] known_hosts or the file"
        ) from error
    for line in lines:
        try:
            parsed.load(line)
        except (ValueError, TypeError):
            continue  # as ssh(1) does: a line for another host does not concern this one
