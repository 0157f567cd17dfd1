"""RPC by hand: what counts as an answer and as an export, whatever a server sends back."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hooks.follow import nfs_call
from hooks.follow.nfs_call import NfsCalls
from hooks.host.host import CommandFailed, CommandOutcome, Host

Answer = Callable[[bytes], bytes]
ADDRESS = "127.0.0.1"


class Listing(Host):
    """A host whose showmount lists these lines, or fails."""

    def __init__(self, lines: str | None = None) -> None:
        super().__init__(60, "/nowhere")
        self._lines = lines

    def run(self, *argv, **_):
        assert argv == ("showmount", "--no-headers", "-e", ADDRESS)
        if self._lines is None:
            raise CommandFailed("showmount: RPC: Program not registered")
        return CommandOutcome(0, self._lines, "")


def record(content: bytes, pieces: int = 1) -> bytes:
    """A message in so many fragments."""
    size = -(-len(content) // pieces)
    parts = [content[n : n + size] for n in range(0, len(content), size)]
    marks = [(0x80000000 if part is parts[-1] else 0) | len(part) for part in parts]
    return b"".join(struct.pack(">I", mark) + part for mark, part in zip(marks, parts, strict=True))


def accepted(call: bytes, status: int, body: bytes = b"", verifier: bytes = b"") -> bytes:
    head = call[:4] + struct.pack(">IIII", 1, 0, 0, len(verifier)) + verifier + b"\0" * (-len(verifier) % 4)
    return head + struct.pack(">I", status) + body


def looked_up(call: bytes) -> tuple[int, list[str]]:
    """The credential's flavour, and the names that a COMPOUND of PUTROOTFH and LOOKUP has, by RFC 7530."""
    xid, kind, version, program, nfs, procedure, flavour, length = struct.unpack(">8I", call[:32])
    assert (kind, version, program, nfs, procedure) == (0, 2, 100003, 4, 1), xid
    rest = call[32 + length + 8 :]
    tag, minor, count, first = struct.unpack(">4I", rest[:16])
    assert (tag, minor, first) == (0, 0, 24)
    names, rest = [], rest[16:]
    while rest:
        operation, size = struct.unpack(">2I", rest[:8])
        assert operation == 15
        names.append(rest[8 : 8 + size].decode())
        rest = rest[8 + (size + 3) // 4 * 4 :]
    assert count == 1 + len(names)
    return flavour, names


@contextmanager
def serving(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A server that answers each connection's first message by `answer`; the calls it got."""
    calls: list[bytes] = []
    listener = socket.create_server((ADDRESS, 0))
    monkeypatch.setattr(nfs_call, "PORT", listener.getsockname()[1])

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                length = struct.unpack(">I", connection.recv(4))[0] & 0x7FFFFFFF
                calls.append(connection.recv(length))
                connection.sendall(answer(calls[-1]))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield calls
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@pytest.mark.parametrize(
    ("answer", "answers"),
    [
        (lambda call: record(accepted(call, 0)), True),
        (lambda call: record(accepted(call, 0, verifier=b"abcde"), 3), True),
        (lambda call: record(accepted(call, 2, struct.pack(">II", 3, 3))), True),  # NFSv3 alone
        (lambda call: record(call[:4] + struct.pack(">III", 1, 1, 1)), True),  # another credential, please
        (lambda call: record(accepted(call, 1)), False),  # RPC, but no NFS
        (lambda call: record(accepted(b"\0\0\0\0", 0)), False),  # of another call
        (lambda call: record(b"short"), False),
        (lambda call: b"SSH-2.0-OpenSSH_9.2\r\n", False),
        (lambda call: b"", False),
        (lambda call: record(accepted(call, 0))[:9], False),
    ],
)
def test_what_answers_nfs(answer: Answer, answers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer, monkeypatch) as calls:
        reason = NfsCalls(Listing()).answers(ADDRESS)
    assert (reason == "") is answers, reason
    assert answers or ADDRESS in reason
    assert struct.unpack(">6I", calls[0][4:28]) == (0, 2, 100003, 4, 0, 0)


def test_a_port_that_nobody_has_and_one_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nfs_call, "SECONDS", 0.3)
    free = socket.create_server((ADDRESS, 0))
    monkeypatch.setattr(nfs_call, "PORT", free.getsockname()[1])
    assert "timed out" in NfsCalls(Listing()).answers(ADDRESS)  # the kernel takes the connection
    free.close()
    assert "refused" in NfsCalls(Listing()).answers(ADDRESS)


def status(number: int) -> Answer:
    return lambda call: record(accepted(call, 0, struct.pack(">III", number, 0, 0)))


@pytest.mark.parametrize(
    ("answer", "listed", "reason"),
    [
        (status(0), None, ""),
        (status(10016), None, ""),  # NFS4ERR_WRONGSEC: Kerberos alone
        (status(2), None, "/mnt/a: no such export; /a: no such export"),
        (status(13), None, "/mnt/a: access denied; /a: access denied"),
        (status(10008), None, "/mnt/a: busy; /a: busy"),
        (status(10021), "/mnt/a 10.0.0.0/16\n", ""),  # no version 4.0
        (lambda call: record(accepted(call, 2, struct.pack(">II", 3, 3))), "/mnt (everyone)\n", ""),
        (lambda call: record(accepted(call, 2, struct.pack(">II", 3, 3))), "/ *\n", ""),
        (status(10021), "/mnt/ab *\n", "/mnt/a is not in its list of exports"),
        (status(10021), "", "/mnt/a is not in its list of exports"),
        (status(10021), None, "showmount: RPC: Program not registered"),
        (lambda call: record(accepted(call, 4)), None, "RPC status 4"),
        (lambda call: record(accepted(call, 0, b"\0")), None, "RPC status 0"),
        (lambda call: b"", None, "the connection was closed"),
    ],
)
def test_what_exports_a_path(
    answer: Answer, listed: str | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(answer, monkeypatch) as calls:
        text = NfsCalls(Listing(listed)).exports(ADDRESS, ["/mnt/a", "/a"])
    assert reason in text
    assert bool(reason) == bool(text)
    assert looked_up(calls[0]) == (1, ["mnt", "a"])


def test_the_second_way_to_name_a_path_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(call: bytes) -> bytes:
        return status(0 if looked_up(call)[1] == ["a b", "ü"] else 2)(call)

    with serving(answer, monkeypatch):
        assert NfsCalls(Listing()).exports(ADDRESS, ["/srv/a b/ü", "/a b/ü"]) == ""
