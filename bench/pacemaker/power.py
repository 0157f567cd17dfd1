"""The power switch that the pair's fence agent asks: cuts a guest's power, and answers when it is off.

    python -m bench.pacemaker.power RUN NAME=INSTANCE ...

It listens in the lab's network namespace, as a rack's power switch does in the servers' network. A request is
one line, `off NAME` or `status NAME`; the answer is one line, `off`, `on`, or what is wrong.
"""

from __future__ import annotations

import socketserver
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from lab.hardware import network
from lab.hardware.real import QemuHardware
from lab.system.errors import HardwareError
from lab.system.paths import ROOT, RunDirectory

PORT = 8701
_LONGEST = 100


def start(lab: RunDirectory, instances: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The switch as a process in the lab's namespace; ends with the lab at the latest."""
    names = [f"{name}={instance}" for name, instance in instances.items()]
    argv = [*network.inside(lab), sys.executable, "-m", __name__, str(lab.root), *names]
    return subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL)


def answer(hardware: QemuHardware, instances: Mapping[str, str], request: str) -> str:
    """What the switch answers to one line."""
    word, _, name = request.strip().partition(" ")
    if name not in instances or word not in ("off", "status"):
        return f"error: {request.strip()!r}: expected off or status, and one of {', '.join(instances)}"
    try:
        if word == "off":
            hardware.power_off(instances[name])
        return "on" if hardware.is_on(instances[name]) else "off"
    except HardwareError as error:
        return f"error: {error}"


def main(run: Path, instances: Mapping[str, str]) -> None:
    """Answer for ever."""
    hardware = QemuHardware(run)

    class PowerRequest(socketserver.StreamRequestHandler):
        """One connection, one line."""

        def handle(self) -> None:
            line = self.rfile.readline(_LONGEST).decode(errors="replace")
            self.wfile.write(f"{answer(hardware, instances, line)}\n".encode())

    with socketserver.ThreadingTCPServer((network.ROUTER, PORT), PowerRequest) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), dict(word.split("=", 1) for word in sys.argv[2:]))
