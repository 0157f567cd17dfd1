#!/usr/bin/env python3
"""What processes of a cluster do on one NFS mount, again and again; errors and wrong bytes are logged.

    workloads.py MOUNT FOLDER

FOLDER is on the local disk: `source` (a file) and `repository` (Git's) are read there, `log` is written. Each
line is JSON: `work` and `round`; or `work` and `error`. A work that had an error has ended. SIGTERM ends the
program after the rounds that are under way. Standard library only.

posix, flock: a lock held for good; a counter is written under it, synced and read back
delegation: a file stays open for reading while it is opened and read again; the server may delegate it
copy: dd of a large file, synced; it is read back past the cache and compared
clone: `git clone` of a repository, then `git fsck`
rename: a directory's name goes there and back; what it holds stays
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

PAUSES = {"copy": 6.0, "clone": 10.0}  # seconds after a round; a guest's processor is slow
PAUSE = 2.0
WIDTH = 12


class Wrong(Exception):
    """What was read is not what was written."""


class Works:
    """All works on one mount, a thread each."""

    def __init__(self, mount: str, folder: str) -> None:
        self._base = Path(mount) / "works"
        self._source = Path(folder) / "source"
        self._repository = Path(folder) / "repository"
        self._log = (Path(folder) / "log").open("a", buffering=1, encoding="utf-8")
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}
        self._ended = threading.Event()
        self._rounds = {
            "posix": lambda n: self._locked("posix", fcntl.lockf, n),
            "flock": lambda n: self._locked("flock", fcntl.flock, n),
            "delegation": self._delegated,
            "copy": self._copied,
            "clone": self._cloned,
            "rename": self._renamed,
        }

    def run(self) -> None:
        """Until SIGTERM."""
        signal.signal(signal.SIGTERM, lambda *_: self._ended.set())
        self._base.mkdir(parents=True, exist_ok=True)
        threads = [threading.Thread(target=self._work, args=(name,)) for name in self._rounds]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.5)  # not for ever: the signal's handler runs in this thread

    def _work(self, name: str) -> None:
        number = 0
        while not self._ended.is_set():
            number += 1
            try:
                self._rounds[name](number)
            except OSError as error:
                self._note(work=name, error=f"{errno.errorcode.get(error.errno or 0)} {error}")
                return
            except (Wrong, subprocess.CalledProcessError) as error:
                output = getattr(error, "stderr", None) or b""
                self._note(work=name, error=f"{error} {output.decode('utf-8', 'replace')}")
                return
            self._note(work=name, round=number)
            self._ended.wait(PAUSES.get(name, PAUSE))

    def _note(self, **values: object) -> None:
        with self._lock:
            self._log.write(json.dumps(dict(values, at=time.time())) + "\n")

    def _locked(self, name: str, take: Callable[[int, int], object], number: int) -> None:
        if name not in self._open:
            self._open[name] = os.open(self._base / name, os.O_RDWR | os.O_CREAT, 0o644)
            take(self._open[name], fcntl.LOCK_EX)
        text = "{:0{}d}".format(number, WIDTH).encode()
        os.pwrite(self._open[name], text, 0)
        os.fsync(self._open[name])
        _compare(name, os.pread(self._open[name], WIDTH, 0), text)

    def _delegated(self, _: int) -> None:
        path, text = self._base / "read", b"unchanged " * 1000
        if "read" not in self._open:
            with path.open("wb") as file:
                file.write(text)
                os.fsync(file.fileno())
            self._open["read"] = os.open(path, os.O_RDONLY)
        _compare(path, path.read_bytes(), text)
        _compare(path, os.pread(self._open["read"], len(text), 0), text)

    def _copied(self, _: int) -> None:
        path = self._base / "copy"
        _run("dd", f"if={self._source}", f"of={path}", "bs=1M", "conv=fsync", "status=none")
        back = _run("dd", f"if={path}", "bs=1M", "iflag=direct", "status=none")
        source = self._source.read_bytes()
        _compare(path, hashlib.sha256(back).digest(), hashlib.sha256(source).digest())

    def _cloned(self, _: int) -> None:
        path = self._base / "clone"
        if path.is_dir():
            shutil.rmtree(path)
        _run("git", "clone", "-q", "--no-hardlinks", str(self._repository), str(path))
        _run("git", "-C", str(path), "fsck", "--full", "--no-progress")
        _compare(path, _run("git", "-C", str(path), "status", "--porcelain"), b"")

    def _renamed(self, number: int) -> None:
        before, after = (self._base / f"name-{half}" for half in ("ab" if number % 2 else "ba"))
        if number == 1:
            before.mkdir()
            (before / "content").write_text("stays")
        try:
            before.rename(after)
        except FileNotFoundError:
            # The server did it, and died before it could say so: the call was sent again. No version of NFS
            # keeps the answers of calls through a server's end.
            self._note(work="rename", repeated=number)
        _compare(after, (after / "content").read_bytes(), b"stays")
        if before.exists():
            raise Wrong(f"{after}: it has both names")


def _run(*argv: str) -> bytes:
    return subprocess.run(argv, capture_output=True, check=True).stdout


def _compare(path: Path | str, actual: bytes, expected: bytes) -> None:
    if actual != expected:
        raise Wrong(f"{path}: read {actual[:40]!r}, expected {expected[:40]!r}")


if __name__ == "__main__":
    Works(sys.argv[1], sys.argv[2]).run()
