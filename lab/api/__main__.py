"""`python -m lab.api`: serve one lab's cloud API on 127.0.0.1 until SIGTERM; the guests are left alone."""

import argparse
import fcntl
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from lab.api.compute.images import image_record
from lab.api.compute.memory_hardware import Remembering
from lab.api.core.call import Tenancy
from lab.api.core.store import Store
from lab.api.core.world import World, invent_world, load_world, save_world, write_credentials
from lab.api.http.controls import Controls
from lab.api.http.server import ApiApplication
from lab.api.http.worker import Worker
from lab.api.network.network import network_records
from lab.api.resource_manager.job_runs import attend_all
from lab.hardware.hardware import Hardware, QemuHardware

GRACE_SECONDS = 5.0
HOST = "127.0.0.1"


class QuietHandler(WSGIRequestHandler):
    """Requests are logged in the store, not on the terminal."""

    disable_nagle_algorithm = True  # headers and body are two writes: 40 ms per call otherwise

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main() -> int:
    options = _options()
    run: Path = options.run.resolve()
    run.mkdir(parents=True, exist_ok=True)
    with only_server_of(run):
        serve(run, options)
    return 0


def serve(run: Path, options: argparse.Namespace) -> None:
    """Take up the lab's state, answer and work until SIGTERM or SIGINT, and leave the process."""
    world = prepare_world(run, options.delay_factor)
    store = Store(run / "cloud.db")
    hardware = build_hardware(options.hardware, run, store)
    cloud, worker = build_cloud(store, world, hardware)
    seed_world(cloud, hardware)
    app, listener = ApiApplication(cloud, Controls(cloud, hardware)), listen(run, options.port)
    server = make_server(HOST, 0, app, threaded=True, request_handler=QuietHandler, fd=listener.fileno())
    worker.start()
    attend_all(cloud)
    announce(run, listener.getsockname()[1])
    serve_until_signal(server)
    worker.stop(GRACE_SECONDS)
    store.close()
    (run / "api.port").unlink(missing_ok=True)
    (run / "api.pid").unlink(missing_ok=True)
    sys.stderr.flush()
    os._exit(0)  # a step that still waits for the hardware must not keep the process; it is resumed next time


@contextmanager
def only_server_of(run: Path) -> Iterator[None]:
    """Two servers on one state would both carry out its changes: the second one raises SystemExit."""
    with (run / "api.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"lab.api: {run} is served by another process already: see api.pid") from None
        yield


def listen(run: Path, port: int) -> socket.socket:
    """A listening socket; port 0 takes the last time's port if it is free, so clients find it again.

    Raises OSError for another port that is in use.
    """
    former = run / "api.port.former"
    wanted = port or (int(former.read_text()) if former.exists() else 0)
    try:
        listener = socket.create_server((HOST, wanted), backlog=128)
    except OSError:
        if port:
            raise
        listener = socket.create_server((HOST, 0), backlog=128)
    former.write_text(f"{listener.getsockname()[1]}\n")
    return listener


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lab.api", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="the lab's directory")
    parser.add_argument("--port", type=int, default=0, help="0: any free one, written to RUN/api.port")
    parser.add_argument("--hardware", choices=("guests", "none"), default="guests")
    parser.add_argument(
        "--delay-factor", type=float, help="scales how long states take; else as before, or 0"
    )
    return parser.parse_args()


def prepare_world(run: Path, delay_factor: float | None) -> World:
    """RUN/cloud.json and RUN/oci/, made on first use and kept ever after."""
    world = load_world(run) if (run / "cloud.json").exists() else invent_world(0.0)
    if delay_factor is not None:
        world = replace(world, delay_factor=delay_factor)
    save_world(run, world)
    write_credentials(run, world)
    return world


def build_hardware(kind: str, run: Path, store: Store) -> Hardware:
    if kind == "none":
        return Remembering(store)
    return QemuHardware(run)


def build_cloud(store: Store, world: World, hardware: Hardware) -> tuple[Tenancy, Worker]:
    """The cloud that requests see and the worker that serves it."""
    worker = Worker(Tenancy(store, world), hardware)
    return Tenancy(store, world, worker.wake), worker


def seed_world(cloud: Tenancy, hardware: Hardware) -> None:
    """The base image and the network, once per lab."""
    if cloud.store.get(cloud.world.base_image_id):
        return
    size = hardware.offer_base_image(cloud.world.base_image_id)
    image = image_record(cloud, cloud.world.base_image_id, "Debian guest", "AVAILABLE", size)
    with cloud.store.transaction():
        for record in (image, *network_records(cloud)):
            cloud.store.put(record)


def announce(run: Path, port: int) -> None:
    """Write where the API listens; api.port last, as the sign that it does."""
    (run / "api.pid").write_text(f"{os.getpid()}\n")
    fresh = run / "api.port.new"
    fresh.write_text(f"{port}\n")
    fresh.replace(run / "api.port")


def serve_until_signal(server: BaseWSGIServer) -> None:
    def on_signal(signum: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    sys.exit(main())
