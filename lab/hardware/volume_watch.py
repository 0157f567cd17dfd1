"""Watches the storage during a drill: a volume that two hosts have at one moment is attached twice."""

from __future__ import annotations

import threading

from lab.hardware.volumes import VolumeService
from lab.system.errors import HardwareError
from lab.system.paths import RunDirectory

_PAUSE_SECONDS = 0.5


class VolumeWatch:
    """Looks at every volume's initiators twice a second, until it is stopped. It asks the storage alone."""

    def __init__(self, lab: RunDirectory) -> None:
        self._storage = VolumeService(lab)
        self._looks = 0
        self._doubles: dict[str, set[str]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        """Begin to look; the lab has to be up."""
        self._thread.start()

    def stop(self) -> dict[str, set[str]]:
        """By volume OCID: the hosts that had it at one moment. Raises HardwareError if it never looked."""
        self._ended.set()
        self._thread.join()
        if not self._looks:
            raise HardwareError("the storage was not looked at even once during the drill")
        return self._doubles

    def _look(self) -> None:
        while not self._ended.wait(_PAUSE_SECONDS):
            try:
                initiators = self._storage.initiators()
            except HardwareError:  # a volume that is deleted under our eyes
                continue
            self._looks += 1
            self._doubles.update({v: hosts for v, hosts in initiators.items() if len(hosts) > 1})
