"""The boot service: takes over when all volumes are attached to this host, and stands down without them."""

import json
from typing import Callable, Optional, Set, Tuple

from hooks import walk
from hooks.boot import metadata
from hooks.boot.metadata import AttachedVolumes
from hooks.contract.fields import SpecError
from hooks.contract.parse import parse
from hooks.contract.result import PRESENT, HookResult
from hooks.host import released, site_spec, taker
from hooks.host.host import HookError, Host
from hooks.host.lock import exclusive

PAUSE_SECONDS = 5.0
GONE_LOOKS = 6  # an empty list from the metadata service is believed when it stays so for half a minute
IN_SERVICE = "nfs-failover: in service: "  # on the console, with the attachments' OCIDs (failover/observe/)
NO_VOLUMES = AttachedVolumes(0, 0, "")
_EMPTY = {
    "version": 1,
    "role": "server",
    "volumes": [],
    "volume_groups": [],
    "filesystems": [],
    "exports": [],
}
_SECONDS = 120.0  # for standing down, and for the networks
TakeOver = Callable[[Callable[[], str]], HookResult]


class Watch:
    """The attachments that one host last received, and the result of each takeover.

    `take_over`: a result, of the spec with portals that the given function has under the host's lock: whoever
    held it before may have left a newer one. `forget`: clears the mark of a release.
    """

    def __init__(self, host: Host, take_over: TakeOver, forget: Callable[[], None]) -> None:
        self._host = host
        self._take_over = take_over
        self._forget = forget
        self._done = NO_VOLUMES
        self._empty_looks = 0
        self._last_message = ""
        self._shown_once: Set[str] = set()
        self._networks: Tuple[str, ...] = ()
        self._whole_since: Optional[float] = None
        # attachments that may have been there at the release, or were before it
        self._released: Set[str] = set()
        self._looked_since_release = False

    def look(self, address: str = metadata.ADDRESS) -> Optional[HookResult]:
        """One look, and what follows of it; a result when something was done. Raises SpecError."""
        try:
            return self._acted(self._attached(address), address)
        except metadata.Unreachable as error:
            self._say(str(error))
            return None

    def _attached(self, address: str) -> AttachedVolumes:
        try:
            site = site_spec.kept(self._host)
        except HookError as error:
            raise metadata.Unreachable(str(error)) from None
        try:
            now = metadata.look(address, site)
            if site and now.text:
                parse(now.text)
        except SpecError as error:
            if not site:
                raise
            self._say_once("{}: {}; the metadata's spec is taken".format(site_spec.FILE, error))
            return metadata.look(address)  # that one was left by hooks of another version
        return now

    def _acted(self, now: AttachedVolumes, address: str) -> Optional[HookResult]:
        def newest() -> str:
            nonlocal now
            now = self._attached(address)
            if not now.text:
                raise metadata.Unreachable("its volumes were taken away while it waited for another run")
            return now.text

        self._set_up(now.networks)
        self._say("{} of {} volumes are attached to this host".format(now.attached, now.total))
        self._empty_looks = 0 if now.attached else self._empty_looks + 1
        if self._came_after_release(now):
            self._forget()
        if now.text and now != self._done:
            if self._held_back():
                return None
            result = self._take_over(newest)
            self._done = now if result.ok else NO_VOLUMES
            if result.ok and result.layers:
                self._host.note(IN_SERVICE + now.ids)
            return result
        self._whole_since = self._whole_since if now.text else None
        if self._empty_looks == GONE_LOOKS:
            self._forget()
            self._stand_down()
        return None

    def _came_after_release(self, now: AttachedVolumes) -> bool:
        """Whether these are other attachments than those that were released: the first look since the release
        saw none of them, nor did one before it. An attachment's OCID is never made twice."""
        ids = set(now.ids.split())
        marked = released.released(self._host)
        if not (marked and self._looked_since_release):
            self._released |= ids
        self._looked_since_release = marked
        return bool(now.text) and marked and not ids & self._released

    def _held_back(self) -> bool:
        """An operator's run has announced itself, and its time to begin is not over."""
        if self._whole_since is None:
            self._whole_since = self._host.now()
        waits = self._host.now() - self._whole_since < taker.HELD_BACK_SECONDS and taker.announced(self._host)
        if waits:
            text = "an operator's run takes over; this service looks after {:.0f} s what is left to do"
            self._say_once(text.format(taker.HELD_BACK_SECONDS))
        return waits

    def _set_up(self, networks: Tuple[str, ...]) -> None:
        """At once, and not only when it takes over: whoever stands by is reached there too."""
        if networks == self._networks:
            return
        spec = parse(json.dumps(dict(_EMPTY, networks=networks)))
        host = Host(_SECONDS, self._host.root)
        try:
            with exclusive(host, "the boot service"):
                (layer,) = walk.apply(host, spec, ("network",))
        except HookError as error:
            self._say(str(error))
            return
        self._networks = networks if layer.state == PRESENT else ()

    def _say_once(self, text: str) -> None:
        if text not in self._shown_once:
            self._host.note(text)
            self._shown_once.add(text)

    def _say(self, text: str) -> None:
        if text != self._last_message:
            self._host.note(text)
            self._last_message = text

    def _stand_down(self) -> None:
        """Its volumes were taken away while it served: what is left of it could only mislead clients.

        The sessions are asked too: the metadata service alone must not end a service that works.
        """
        if not self._done.text:
            return
        spec, host = parse(self._done.text), Host(_SECONDS, self._host.root)
        try:
            with exclusive(host, "the boot service"):  # an operator may be bringing them back
                if walk.check(host, spec, ("iscsi",))[0].state != PRESENT:
                    self._host.note("the volumes are gone: this host no longer exports them")
                    walk.release(host, spec, ("address", "nfs"))
            self._done = NO_VOLUMES
        except HookError as error:
            self._host.note(str(error))
            self._empty_looks = 0  # tried again in half a minute
