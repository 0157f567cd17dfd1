"""Asks the service's address for NFS's NULL five times a second, and notes each call.

    python -m bench.pacemaker.probe ADDRESS FILE

It runs in the lab's network namespace, as a neighbour of the guests. A line is "BEGAN ENDED ok" or
"BEGAN ENDED -", in seconds since 1970. Calls do not wait for each other: one
that hangs on the dead server (3 s at most) holds up none that the new one can answer.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from bench.pacemaker.moments import ProbeCall, first_after
from hooks.follow.nfs_call import NfsCalls
from hooks.host.host import Host
from lab.hardware import network
from lab.system.errors import HardwareError
from lab.system.paths import ROOT, RunDirectory
from lab.system.waiting import until

INTERVAL_SECONDS = 0.2


class Probe:
    """The probe as a process in the namespace of the lab; ends with the lab at the latest."""

    def __init__(self, lab: RunDirectory, address: str) -> None:
        self._file = lab.root / "probe.log"
        argv = [*network.inside(lab), sys.executable, "-m", __name__, address, str(self._file)]
        self._process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL)

    def await_answer(self, cut: float, moment: float, seconds: float) -> float:
        """When the first call that began after the cut was answered after this moment; waits for it.

        Raises HardwareError at the deadline.
        """
        answer = until(lambda: first_after(self._calls(), cut, moment), seconds, 0.2)
        if answer is None:
            raise HardwareError(f"no call at the service's address was answered within {seconds:.0f} s")
        return answer

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _calls(self) -> list[ProbeCall]:
        if not self._file.exists():
            return []
        lines = self._file.read_text().splitlines(keepends=True)
        fields = [line.split() for line in lines if line.endswith("\n")]
        return [ProbeCall(float(began), float(ended), word == "ok") for began, ended, word in fields]


def main(address: str, file: Path) -> None:
    """Ask for ever."""
    notes, lock = file.open("a"), threading.Lock()
    calls = NfsCalls(Host(3600))

    def call() -> None:
        began = time.time()
        word = "-" if calls.answers(address) else "ok"
        with lock:
            notes.write(f"{began:.3f} {time.time():.3f} {word}\n")
            notes.flush()

    while True:
        threading.Thread(target=call, daemon=True).start()
        time.sleep(INTERVAL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
