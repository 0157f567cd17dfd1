"""Serving the provider to any number of Terraform commands: gRPC on a unix socket, found by reattach.json."""

import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import message_factory

from lab.provider import wire
from lab.provider.place import ADDRESS, PID_FILE, REATTACH_FILE
from lab.provider.service import Provider

_THREADS = 16  # more than Terraform's default parallelism of 10
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def serve(run: Path) -> None:
    """Serve until SIGTERM or SIGINT; then take socket, reattach.json and provider.pid away."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _socket() as socket:
        server = _server(Provider(run), stop)
        server.add_insecure_port(f"unix:{socket}")
        server.start()
        _announce(run, socket)
        stop.wait()
        _withdraw(run)
        server.stop(grace=1.0).wait(2.0)


@contextmanager
def _socket() -> Iterator[Path]:
    """A short path: a unix socket's name has at most 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="tfp", dir="/tmp"))
    try:
        yield folder / "s"
    finally:
        shutil.rmtree(folder)


def _server(provider: Provider, stop: threading.Event) -> grpc.Server:
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=_UNLIMITED)
    server.add_generic_rpc_handlers((_methods(provider), _controller(stop), _stdio()))
    return server


def _methods(provider: Provider) -> Any:
    handlers = {}
    for method in wire.service().methods:
        request = message_factory.GetMessageClass(method.input_type)
        handlers[method.name] = grpc.unary_unary_rpc_method_handler(
            getattr(provider, method.name), request.FromString, _serialize
        )
    return grpc.method_handlers_generic_handler(wire.SERVICE, handlers)


def _serialize(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def _controller(stop: threading.Event) -> Any:
    """go-plugin's own control service; its messages are empty."""

    def shut_down(_request: bytes, _context: Any) -> bytes:
        stop.set()
        return b""

    handler = grpc.unary_unary_rpc_method_handler(shut_down)
    return grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": handler})


def _stdio() -> Any:
    def stream(_request: bytes, _context: Any) -> Iterator[bytes]:
        return iter(())

    handler = grpc.unary_stream_rpc_method_handler(stream)
    return grpc.method_handlers_generic_handler("plugin.GRPCStdio", {"StreamStdio": handler})


def _announce(run: Path, socket: Path) -> None:
    reattach = {
        ADDRESS: {
            "Protocol": "grpc",
            "ProtocolVersion": 5,
            "Pid": os.getpid(),
            "Test": True,  # Terraform leaves the process alone when a command ends
            "Addr": {"Network": "unix", "String": str(socket)},
        }
    }
    _replace(run / PID_FILE, f"{os.getpid()}\n")
    _replace(run / REATTACH_FILE, json.dumps(reattach))


def _replace(file: Path, text: str) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(file)


def _withdraw(run: Path) -> None:
    """Our own announcement only: another provider may serve this lab by now."""
    pid_file = run / PID_FILE
    if pid_file.exists() and pid_file.read_text(encoding="utf-8").strip() == str(os.getpid()):
        (run / REATTACH_FILE).unlink(missing_ok=True)
        pid_file.unlink(missing_ok=True)
