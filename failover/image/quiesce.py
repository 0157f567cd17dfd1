"""The outage of an image for which the service is stopped: told beforehand, and ended whatever happens.

The server itself is armed before the first change: it brings the service back when the next word does not
come in time, and at its next boot (hooks/guard/dead_man.py). Whoever is killed, the outage ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from failover.deadline import until
from failover.hosts import specs
from failover.hosts.ssh import Silent
from failover.image.outage import OUTAGE, Outage
from failover.model.host.hook_report import HookReport
from failover.model.host.host_spec import ServerDocument
from failover.model.outcome import Failed, FailoverError, Refused, Unknown
from failover.model.stack_output import Stack
from failover.ports import Ports
from failover.runs import history
from hooks.contract.result import ABSENT, BROKEN, UNKNOWN, Layer
from hooks.guard.dead_man import OVERDUE

_DATA = ("lvm", "filesystem")  # layers that are not stopped where they are broken: they might not come back
_SPARE_SECONDS = 30.0  # beside what a hook may take: the way there and back

Step = Callable[[str, Callable[[], Any]], Any]


def _is_down(layer: Layer) -> bool:
    return layer.state in (ABSENT, UNKNOWN) or (layer.state == BROKEN and layer.layer in _DATA)


class Quiescing:
    """One server's outage. Raises Unknown where the server does not answer."""

    def __init__(self, ports: Ports, stack: Stack, server: str) -> None:
        self._waits = ports.site.deadlines
        self._name = server
        place = stack.servers[server]
        if place.address is None:
            raise Unknown(f"{server} has no private address", "look at its VNIC in the console")
        held = ports.observer.attachments(stack).held_by(place.instance_id)
        self._spec: ServerDocument = specs.server_spec(stack, held, self._waits.hooks)
        self._host = ports.hosts.at(server, place.address)
        self._clients = [client.name for client in ports.site.clients]
        self._addresses = {client.address for client in ports.site.clients} | set(place.addresses)

    @property
    def windows(self) -> tuple[float, float]:
        """Seconds after which the server does it by itself: before the image is begun, and after."""
        return (self._waits.hooks + _SPARE_SECONDS, self._waits.launch + _SPARE_SECONDS)

    def outage(self, past: history.History) -> Outage:
        """What it will be. Raises Refused for a server that does not serve the site's data now.

        What is only otherwise than specified (a time-out of iSCSI that a hand-built server has) is put right
        by the return, as by a failover.
        """
        status = self._hooks("check")
        if not status.layers or any(_is_down(layer) for layer in status.layers):
            raise Refused(
                f"{self._name} does not serve: {status.complaint}",
                f"run `failover --active {self._name}`, which repairs it; then take the image",
            )
        took = [e.facts.get(OUTAGE) for e in past.entries if e.kind == history.Kind.IMAGE]
        seconds = [float(one) for one in took if isinstance(one, int | float)]
        observed = self._hooks("inventory").observed_clients
        others = [f"{one} (seen by the server)" for one in observed if one not in self._addresses]
        return Outage((*self._clients, *others), seconds[-1] if seconds else None, self.windows)

    def imaged(
        self, step: Step, create: Callable[[], str], captured: Callable[[str], None]
    ) -> tuple[str, float]:
        """The image's OCID and the outage's seconds. The service is back at the end, or the error says when.

        `create`: CreateImage; `captured`: waits until the server runs again.

        Raises Failed for an image that was taken while the service was back already.
        """
        step("arm the server", lambda: self._arm(self.windows[0]))
        began = time.monotonic()
        try:
            step("stop the service", self._stop)
            image_id: str = step("begin the image", lambda: self._begin(create))
            step("wait until the server is captured", lambda: captured(image_id))
        except FailoverError as error:
            raise self._ended(step, error) from error
        except KeyboardInterrupt:
            self._ended(step, Failed("interrupted"))
            raise
        step("bring the service back", self.serve)
        seconds = time.monotonic() - began
        restored = step("disarm the server", self.disarm)
        if restored.get("why") == OVERDUE:
            raise Failed(
                f"{self._name} brought the service back by itself before the image was whole: {image_id} is "
                "not the image of a server at rest",
                "delete that image; set [deadlines] launch in the site to the time that OCI takes; try again",
            )
        return image_id, seconds

    def back(self) -> dict[str, Any]:
        """The service back, and no further word waited for; what `disarm` gives."""
        self.serve()
        return self.disarm()

    def serve(self) -> None:
        """Have the service back; where the server did that itself, there is nothing to do. Raises Failed."""
        report = self._awaited("apply", self._waits.boot)
        if not report.ok:
            raise Failed(
                f"{self._name} does not serve again: {report.complaint}",
                f"{self._name} goes on by itself; look at it, then run `failover --active {self._name}`",
            )

    def disarm(self) -> dict[str, Any]:
        """Facts of the server's own return, "why" and "seconds"; empty where it was not by itself.

        Raises Failed where the server still waits for a word.
        """
        report = self._awaited("disarm", self._waits.boot)
        if not report.ok:
            raise Failed(
                f"{self._name} serves again, and still waits for a word: {report.message}",
                "run the same command again",
            )
        restored = report.layers[0].facts.get("restored") if report.layers else None
        return dict(restored) if isinstance(restored, Mapping) else {}

    def _ended(self, step: Step, error: FailoverError) -> FailoverError:
        """The error, after the service was brought back; or with the word when it will be."""
        with suppress(FailoverError):
            step("bring the service back", self.back)
            return type(error)(f"{error.reason}; the service is back", error.remedy)
        return type(error)(
            f"{error.reason}; the service is NOT back yet: {self._name} brings it back by itself within "
            f"{self.windows[1]:.0f} s, and at its next boot",
            f"look at {self._name} now: `./inv status`; {error.remedy}",
        )

    def _arm(self, seconds: float) -> str:
        report = self._hooks("arm", seconds)
        if not report.ok:
            raise Failed(
                f"{self._name}: it would not bring the service back by itself: {report.message}",
                f"mend it on {self._name}; nothing was stopped",
            )
        return report.message

    def _stop(self) -> str:
        report = self._hooks("quiesce")
        if not report.ok:
            raise Failed(
                f"{self._name} did not release the service: {report.unreleased}",
                f"mend it on {self._name}, then run the same command again",
            )
        return report.summary

    def _begin(self, create: Callable[[], str]) -> str:
        report = self._hooks("arm", self.windows[1])
        if not report.ok or not report.layers or not report.layers[0].facts.get("again"):
            raise Failed(
                f"{self._name} brought the service back by itself before the image was begun: the stop took "
                f"longer than {self.windows[0]:.0f} s",
                "set [deadlines] hooks in the site to more, then run the same command again",
            )
        return create()

    def _hooks(self, action: str, seconds: float = 0.0) -> HookReport:
        given: ServerDocument = {**self._spec, "deadline_seconds": int(seconds or self._waits.hooks)}
        try:
            return self._host.hooks(action, given, self._waits.hooks)
        except Silent as error:
            raise Unknown(f"{self._name} does not answer: {error}", f"look at {self._name}") from error

    def _awaited(self, action: str, seconds: float) -> HookReport:
        """The same of a server that may be booting."""

        def attempt() -> HookReport | Unknown:
            try:
                return self._hooks(action)
            except Unknown as error:
                self._host.ssh.close()
                return error

        report = until(attempt, lambda one: isinstance(one, HookReport), seconds, (1.0, 2.0, 5.0))
        if isinstance(report, Unknown):
            raise report
        return report
