"""The service over HTTP: one read-only look into the API's database per request."""

import json
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab.metadata.view import AbsentError, GuestView, as_text

ROOT = "/opc/v2/"
AUTHORIZATION = "Bearer Oracle"


class MetadataServer(ThreadingHTTPServer):
    """Serves one lab; `run` is its directory."""

    daemon_threads = True

    def __init__(self, run: Path, address: str, port: int) -> None:
        super().__init__((address, port), Handler)
        self.run = run

    def look_up(self, address: str, path: str) -> Any:
        """What `GuestView.document` has at the path for the guest of this address.

        Raises AbsentError where nothing is, FileNotFoundError or sqlite3.OperationalError for a lab without
        a state.
        """
        world = json.loads((self.run / "cloud.json").read_text())
        database = sqlite3.connect(f"file:{self.run / 'cloud.db'}?mode=ro", uri=True, timeout=5)
        try:
            subnets = {
                world["subnet_id"]: world["subnet_cidr"],
                world["storage_subnet_id"]: world["storage_cidr"],
            }
            return GuestView(database, address, world["tenancy_id"], subnets).document(path)
        finally:
            database.close()


class Handler(BaseHTTPRequestHandler):
    """One request of one guest."""

    server: MetadataServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if self.headers.get("Authorization") != AUTHORIZATION and path.startswith(ROOT):
            self._send(401, f"send the header Authorization: {AUTHORIZATION}", "text/plain")
        elif not path.startswith(ROOT):
            self._send(404, "only /opc/v2/ is served", "text/plain")
        else:
            self._look_up(path.removeprefix(ROOT))

    def _look_up(self, path: str) -> None:
        try:
            text, kind = as_text(self.server.look_up(self.client_address[0], path))
        except AbsentError as error:
            self._send(404, f"not found: {error}", "text/plain")
        except (FileNotFoundError, sqlite3.OperationalError) as error:
            self._send(503, f"the lab's cloud has no state to read: {error}", "text/plain")
        else:
            self._send(200, text, kind)

    def _send(self, status: int, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        pass
