"""Talks to a running QEMU over its QMP socket (JSON lines; QEMU's qmp-spec)."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from lab.system.errors import HardwareError


def ask(path: Path, command: str, deadline_seconds: float = 60, **arguments: object) -> Any:
    """Execute one command on the QEMU behind socket `path`; its return value.

    Raises HardwareError without an answer.
    """
    try:
        with _connection(path, deadline_seconds) as stream:
            _reply(stream)  # the greeting
            _execute(stream, "qmp_capabilities", {})
            return _execute(stream, command, arguments)
    except OSError as error:
        raise HardwareError(f"no answer to {command} from QEMU at {path}: {error}") from error


def monitor(path: Path, line: str, deadline_seconds: float = 120) -> None:
    """Run a human monitor command; those print nothing when they succeed.

    Raises HardwareError with what they print.
    """
    message = ask(path, "human-monitor-command", deadline_seconds, **{"command-line": line})
    if message:
        raise HardwareError(f"QEMU at {path} answered {line!r} with: {message.strip()}")


@contextmanager
def _connection(path: Path, deadline_seconds: float) -> Iterator[TextIO]:
    # a socket's path may have 107 bytes, a lab's directory may be deeper: go through an open folder
    folder = os.open(path.parent, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(deadline_seconds)
            link.connect(f"/proc/self/fd/{folder}/{path.name}")
            with link.makefile("rw") as stream:
                yield stream
    finally:
        os.close(folder)


def _execute(stream: TextIO, command: str, arguments: dict[str, object]) -> Any:
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    reply = _reply(stream)
    if "error" in reply:
        raise HardwareError(f"QEMU refused {command}: {reply['error'].get('desc', reply['error'])}")
    return reply["return"]


def _reply(stream: TextIO) -> dict[str, Any]:
    for line in stream:
        message: dict[str, Any] = json.loads(line)
        if "event" not in message:
            return message
    raise HardwareError("QEMU closed the connection: it has ended")
