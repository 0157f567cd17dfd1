"""What cloud-init carries: finds the whole hooks by their SHA-256, and becomes them.

`loader.pyz SHA256` looks on this host's own disk (the image brought it, or an earlier boot), then on the
site's volumes, once they are attached, then at the URL in the metadata. It looks until it has them: whoever
mends what it names on the console need not start it again. No other hooks are ever run.
"""

import os
import sys
from typing import Callable, Dict, List, Sequence

from hooks.boot import metadata, url, volume
from hooks.contract.fields import SpecError
from hooks.host import copies, places
from hooks.host.copies import CopyCheck
from hooks.host.host import HookError, Host
from hooks.host.lock import exclusive
from hooks.host.released import forget, released

PAUSE_SECONDS = 5.0
AGAIN_SECONDS = 60.0  # between two attempts at a volume or an URL that failed
GONE_LOOKS = 6  # as the boot service's
_USAGE = "loader.pyz: expected the hooks' SHA-256 in hexadecimal, found {!r}; render cloud-init again"
_MISSING = (
    "nfs-failover: no hooks with SHA-256 {} were found, and no others are run: {}. This server does not take "
    "over by itself before they are in {}: put that hooks.pyz there (`invoke package` writes it), or run "
    "`invoke failover`"
)
_WAITING = (
    "nfs-failover: no hooks with SHA-256 {} on this server yet: {}. Its volumes are looked through once all "
    "are attached"
)
Source = Callable[[], CopyCheck]


def main(argv: Sequence[str]) -> int:
    """Does not return once it has the hooks; exit codes: 0 for a child that read, 1 failed, 2 wrong usage."""
    if argv[:1] == [volume.READ]:
        return _child(argv[1:])
    if len(argv) != 1 or not copies.SHA256.fullmatch(argv[0]):
        sys.stderr.write(_USAGE.format(" ".join(argv)) + "\n")
        return 2
    host = Host(volume.SECONDS)
    loader = Loader(host, argv[0])
    while True:
        path = loader.look()
        if path:
            sys.stderr.flush()
            os.execv(sys.executable, [sys.executable, path, "watch"])  # noqa: S606 - our own, hashed
        host.sleep(PAUSE_SECONDS)


def _child(argv: Sequence[str]) -> int:
    try:
        print(volume.read(*argv))
    except (HookError, OSError) as error:
        sys.stderr.write(str(error) + "\n")
        return 1
    return 0


class Loader:
    """What one host was looked through for, and what was found."""

    def __init__(self, host: Host, sha256: str) -> None:
        self._host = host
        self._sha256 = sha256
        self._shown = ""
        self._empty_looks = 0
        self._attached = False
        self._next: Dict[str, float] = {}
        self._last: Dict[str, str] = {}

    def look(self) -> str:
        """One look in all places; the path of the hooks to run, empty when they are nowhere."""
        texts: List[str] = []
        for source in (self._image, self._volume, self._url):
            check = _tried(source)
            if check.content is not None:
                return self._install(check)
            texts.append(check.message)
        text = _MISSING if self._attached else _WAITING
        self._say(text.format(self._sha256, "; ".join(texts), places.DISK))
        return ""

    def _install(self, check: CopyCheck) -> str:
        content = check.content or b""
        self._host.note("nfs-failover: the hooks with SHA-256 {}: {}".format(self._sha256, check.message))
        try:
            copies.keep(self._host, content)
        except OSError as error:  # a full disk: this boot does not need the copy
            self._host.note("nfs-failover: no copy kept in {}: {}".format(places.DISK, error))
        return copies.install(self._host, content)

    def _image(self) -> CopyCheck:
        return copies.look_in(self._host.path(places.DISK), self._sha256)

    def _volume(self) -> CopyCheck:
        """As the boot service, it begins anew with other attachments, and not after a release."""
        now = metadata.look()
        self._empty_looks = 0 if now.attached else self._empty_looks + 1
        if self._empty_looks == GONE_LOOKS:
            forget(self._host)
        self._attached = bool(now.text)
        if not now.text:
            return CopyCheck(
                None, "{} of {} volumes are attached to this host".format(now.attached, now.total)
            )
        return self._spaced(now.ids, lambda: self._fetch(now.text))

    def _fetch(self, text: str) -> CopyCheck:
        host = Host(volume.SECONDS, self._host.root)
        with exclusive(host, "the boot service's loader"):
            here = self._image()  # an operator's takeover, which has just ended, leaves a copy
            if here.content is not None:
                return here
            if released(host):
                return CopyCheck(None, "released: its volumes are left alone")
            return volume.fetch(host, text, self._sha256)

    def _url(self) -> CopyCheck:
        return self._spaced("url", lambda: url.fetch(self._sha256))

    def _spaced(self, what: str, source: Source) -> CopyCheck:
        """What it found last, within a minute: each attempt takes its time, and is seen by others."""
        if self._host.now() >= self._next.get(what, 0.0):
            check = _tried(source)
            if check.content is not None:
                return check
            self._last[what], self._next[what] = check.message, self._host.now() + AGAIN_SECONDS
        return CopyCheck(None, self._last[what])

    def _say(self, text: str) -> None:
        if text != self._shown:
            self._host.note(text)
            self._shown = text


def _tried(source: Source) -> CopyCheck:
    """Whatever one source comes to, the next is asked."""
    try:
        return source()
    except (HookError, SpecError, metadata.Unreachable, OSError) as error:
        return CopyCheck(None, str(error))
