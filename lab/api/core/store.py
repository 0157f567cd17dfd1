"""The cloud's memory: resources, transitions, answers and faults in one SQLite file."""

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

Document = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL,
  body TEXT NOT NULL, hidden TEXT NOT NULL, etag TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS resources_by_kind ON resources (kind);
CREATE TABLE IF NOT EXISTS transitions (
  resource_id TEXT PRIMARY KEY, step TEXT NOT NULL, due REAL, attempts INTEGER NOT NULL DEFAULT 0,
  work_request_id TEXT, refusal TEXT);
CREATE TABLE IF NOT EXISTS answers (
  token TEXT PRIMARY KEY, digest TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
  headers TEXT NOT NULL, time REAL NOT NULL);
CREATE TABLE IF NOT EXISTS faults (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL, remaining INTEGER, rule TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  operation TEXT NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL, seconds REAL NOT NULL,
  retry_token TEXT NOT NULL);
"""


@dataclass(frozen=True)
class StoredResource:
    """One thing of the cloud: `body` as on the wire (camelCase), `hidden` what only the lab knows."""

    id: str
    kind: str
    body: Document
    hidden: Document = field(default_factory=dict)
    etag: str = ""
    seq: int = 0

    @property
    def state(self) -> str:
        return str(self.body.get("lifecycleState", ""))

    def changed(self, **fields: Any) -> "StoredResource":
        """The same resource with some wire fields replaced (camelCase names as keywords)."""
        return replace(self, body={**self.body, **fields})

    def knowing(self, **facts: Any) -> "StoredResource":
        """The same resource with some hidden facts replaced."""
        return replace(self, hidden={**self.hidden, **facts})


class Store:
    """The database, one writer at a time: whoever holds `transaction()` sees and changes a steady world."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._db.row_factory = sqlite3.Row
        # WAL lets the metadata service read while the API writes
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator["Store"]:
        """All or nothing; nested use joins the outer one. Hold it for decisions, never while waiting.

        What the block raises rolls everything back, and is raised again.
        """
        with self._lock:
            if self._db.in_transaction:
                yield self
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def execute(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def get(self, resource_id: str) -> StoredResource | None:
        rows = self.execute("SELECT * FROM resources WHERE id = ?", resource_id)
        return _resource(rows[0]) if rows else None

    def find(self, kind: str, **fields: str | None) -> list[StoredResource]:
        """Resources of a kind, oldest first, whose wire fields equal the given ones (None: not asked)."""
        wanted = {name: value for name, value in fields.items() if value is not None}
        where = "".join(f" AND json_extract(body, '$.{name}') = ?" for name in wanted)
        statement = f"SELECT * FROM resources WHERE kind = ?{where} ORDER BY seq"  # noqa: S608 (names are ours)
        return [_resource(row) for row in self.execute(statement, kind, *wanted.values())]

    def put(self, resource: StoredResource) -> StoredResource:
        """Insert or replace, under a fresh etag."""
        fresh = replace(resource, etag=secrets.token_hex(16))
        self.execute(
            "INSERT INTO resources (id, kind, body, hidden, etag) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id)"
            " DO UPDATE SET body = excluded.body, hidden = excluded.hidden, etag = excluded.etag",
            *(fresh.id, fresh.kind, json.dumps(fresh.body), json.dumps(fresh.hidden), fresh.etag),
        )
        return fresh

    def remove(self, resource_id: str) -> None:
        self.execute("DELETE FROM resources WHERE id = ?", resource_id)


def _resource(row: sqlite3.Row) -> StoredResource:
    body, hidden = json.loads(row["body"]), json.loads(row["hidden"])
    return StoredResource(row["id"], row["kind"], body, hidden, row["etag"], row["seq"])
