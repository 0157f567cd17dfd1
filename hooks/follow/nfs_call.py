"""Asks an NFS server whether it answers, and whether it exports a path: without the kernel, without a mount.

ONC RPC over TCP (RFC 5531) with procedure NULL, and NFSv4.0's COMPOUND of PUTROOTFH and LOOKUP (RFC 7530):
neither needs a state on the server, and each ends at its deadline, whatever the server does.
"""

import errno
import os
import random
import socket
import struct
import time
from typing import List, Tuple

from hooks.host.host import HookError, Host

SECONDS = 3.0
PORT = 2049
_NFS, _NULL, _COMPOUND = 100003, 0, 1
_PUTROOTFH, _LOOKUP = 24, 15
_OK, _NOENT, _WRONGSEC, _MINOR_VERS_MISMATCH = 0, 2, 10016, 10021
_ERRORS = {1: "not permitted", 2: "no such export", 13: "access denied", 20: "no folder", 10008: "busy"}
_SUCCESS, _PROG_MISMATCH = 0, 2
_LARGEST = 1 << 16
_RESERVED = range(665, 1023)  # an export with `secure` answers to these ports alone (exports(5))


class NoNfsAnswer(HookError):
    """The server did not answer as an NFS server: says what came instead."""


class NfsCalls:
    """The questions; the tests put others in their place."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def answers(self, address: str) -> str:
        """Why this address does not answer NFS's NULL; empty when it does, in whatever version."""
        try:
            _call(address, _NULL, b"", 4)
        except NoNfsAnswer as error:
            return str(error)
        return ""

    def exports(self, address: str, paths: List[str]) -> str:
        """Why this address exports none of these paths to this client; empty when it does.

        `paths`: the ways to name it, the first one that is there counts. A server without NFSv4.0 is asked
        for its list (showmount(8)).
        """
        reasons: List[str] = []
        try:
            for path in paths:
                status = _looked_up(address, path)
                if status in (_OK, _WRONGSEC):  # Kerberos alone: it is there
                    return ""
                if status == _MINOR_VERS_MISMATCH:
                    return self._listed(address, paths)
                reasons.append("{}: {}".format(path, _ERRORS.get(status, "NFS error {}".format(status))))
        except _NoVersion4:
            return self._listed(address, paths)
        except NoNfsAnswer as error:
            return str(error)
        return "; ".join(reasons)

    def _listed(self, address: str, paths: List[str]) -> str:
        try:
            out = self._host.run("showmount", "--no-headers", "-e", address, seconds=2 * SECONDS).out
        except HookError as error:
            return str(error)
        listed = [line.split()[0].rstrip("/") or "/" for line in out.splitlines() if line.startswith("/")]
        if any(path == one or path.startswith(one.rstrip("/") + "/") for path in paths for one in listed):
            return ""
        return "{} is not in its list of exports".format(paths[0])


class _NoVersion4(NoNfsAnswer):
    """It speaks NFS, and no version 4."""


def _looked_up(address: str, path: str) -> int:
    """The status of looking up the path from NFSv4's root."""
    names = [name for name in path.split("/") if name]
    operations = struct.pack(">I", _PUTROOTFH)
    for name in names:
        operations += struct.pack(">I", _LOOKUP) + _opaque(os.fsencode(name))
    tag, minor_version = _opaque(b""), struct.pack(">I", 0)
    arguments = tag + minor_version + struct.pack(">I", 1 + len(names)) + operations
    accepted, body = _call(address, _COMPOUND, arguments, 4)
    if accepted == _PROG_MISMATCH:
        raise _NoVersion4("{} speaks no NFSv4".format(address))
    if accepted != _SUCCESS or len(body) < 4:
        raise NoNfsAnswer("{}: RPC status {}".format(address, accepted))
    return int(struct.unpack(">I", body[:4])[0])


def _call(address: str, procedure: int, arguments: bytes, version: int) -> Tuple[int, bytes]:
    """RPC's accept_stat and what comes after it. Raises NoNfsAnswer."""
    xid = random.getrandbits(32)  # noqa: S311 - to tell answers apart
    head = struct.pack(">IIIIII", xid, 0, 2, _NFS, version, procedure)
    message = head + _credential(procedure) + struct.pack(">II", 0, 0) + arguments
    end = time.monotonic() + SECONDS
    try:
        with _connected(address) as connection:
            connection.sendall(struct.pack(">I", 0x80000000 | len(message)) + message)
            answer = _record(connection, end)
    except OSError as error:
        raise NoNfsAnswer("{} port {}: {}".format(address, PORT, error)) from None
    return _accepted(address, answer, xid)


def _accepted(address: str, answer: bytes, xid: int) -> Tuple[int, bytes]:
    text = "{} port {}: the answer is not of NFS".format(address, PORT)
    if len(answer) < 12:
        raise NoNfsAnswer(text)
    came, kind, denied = struct.unpack(">III", answer[:12])
    if (came, kind) != (xid, 1):
        raise NoNfsAnswer(text)
    if denied:
        return -1, b""  # an RPC server that wants another credential: it answers
    if len(answer) < 24:
        raise NoNfsAnswer(text)
    length = struct.unpack(">I", answer[16:20])[0]
    rest = answer[20 + (length + 3) // 4 * 4 :]
    if len(rest) < 4:
        raise NoNfsAnswer(text)
    status = int(struct.unpack(">I", rest[:4])[0])
    if status == 1:  # PROG_UNAVAIL
        raise NoNfsAnswer(text)
    return status, rest[4:]


def _credential(procedure: int) -> bytes:
    """AUTH_NONE for NULL, else AUTH_SYS as root."""
    if procedure == _NULL:
        return struct.pack(">II", 0, 0)
    body = struct.pack(">I", 0) + _opaque(socket.gethostname().encode()[:255]) + struct.pack(">III", 0, 0, 0)
    return struct.pack(">II", 1, len(body)) + body


def _opaque(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text + b"\0" * (-len(text) % 4)


def _connected(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(SECONDS)
        _bind_reserved(connection)
        connection.connect((address, PORT))
    except OSError:
        connection.close()
        raise
    return connection


def _bind_reserved(connection: socket.socket) -> None:
    """To a port of root's, where one is free; any other one still has NULL answered."""
    for port in random.sample(_RESERVED, 8):
        try:
            connection.bind(("", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return
        else:
            return


def _record(connection: socket.socket, end: float) -> bytes:
    """One message, in as many fragments as it has (RFC 5531, 11)."""
    message, last = b"", False
    while not last:
        mark = struct.unpack(">I", _exactly(connection, 4, end))[0]
        last, length = bool(mark & 0x80000000), mark & 0x7FFFFFFF
        if len(message) + length > _LARGEST:
            raise OSError("the answer is not of RPC")
        message += _exactly(connection, length, end)
    return message


def _exactly(connection: socket.socket, count: int, end: float) -> bytes:
    content = b""
    while len(content) < count:
        left = end - time.monotonic()
        if left <= 0:
            raise OSError("timed out")
        connection.settimeout(left)
        part = connection.recv(count - len(content))
        if not part:
            raise OSError("the connection was closed")
        content += part
    return content
