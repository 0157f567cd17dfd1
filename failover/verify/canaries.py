"""What is known here of each folder's canaries, and whether what a host has now can be the same data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from failover.atomic_file import write_whole
from failover.model.outcome import Failed
from hooks.probe.canary_files import FIXED

NONE_YET = "no canaries yet: `./inv preflight` writes them"


@dataclass(frozen=True)
class Manifest:
    """The canaries of one folder. `files`: name -> SHA-256; `serial` grows by one with each refresh."""

    serial: int
    written: datetime
    files: Mapping[str, str]

    @property
    def fixed(self) -> dict[str, str]:
        """Those that are never written again."""
        return {name: self.files.get(name, "") for name in FIXED}

    def describe(self, now: datetime) -> str:
        """How many, and how old in hours, for a person."""
        hours = max(0.0, (now - self.written).total_seconds() / 3600)
        return f"{len(self.files)} canaries, written {self.written:%Y-%m-%d %H:%M} UTC ({hours:.1f} h ago)"


def parse(document: Any) -> Manifest | None:
    """A manifest as the hooks tell it, None for none. Raises Failed for anything else."""
    if document is None:
        return None
    try:
        files = {str(name): str(digest) for name, digest in document["files"].items()}
        return Manifest(int(document["serial"]), datetime.fromisoformat(document["written"]), files)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failed(f"found no manifest of canaries, but {str(document)[:100]!r}") from error


def objection(manifest: Manifest | None, known: Manifest | None) -> str:
    """Why `manifest` cannot be the data that was `known` last; empty when it can. Both were read whole."""
    if known is None:
        return ""
    if manifest is None:
        return f"the canaries written {known.written:%Y-%m-%d %H:%M} UTC are gone"
    if manifest.fixed != known.fixed:
        return "other canaries than the known ones: another filesystem"
    if manifest.serial < known.serial:
        return (
            f"older than it was: canaries of {manifest.written:%Y-%m-%d %H:%M} UTC, "
            f"the last known ones were of {known.written:%Y-%m-%d %H:%M} UTC"
        )
    if manifest.serial == known.serial and manifest.files != known.files:
        return f"not the known refresh number {known.serial}: a copy that went its own way"
    return ""


class Known:
    """The operator's copy of the manifests, by folder: runs/canaries.json."""

    def __init__(self, runs: Path) -> None:
        self.file = runs / "canaries.json"

    def read(self) -> dict[str, Manifest]:
        """Empty before the first canaries. Raises Failed for a file of another form."""
        try:
            folders = json.loads(self.file.read_text())["folders"].items()
            return {str(path): known for path, text in folders if (known := parse(text))}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError, Failed) as error:
            remedy = "restore it from a backup, or remove it and run `./inv preflight`"
            raise Failed(f"{self.file}: found no manifests of canaries in it", remedy) from error

    def keep(self, fresh: Mapping[str, Manifest]) -> None:
        """Replace what is known of these folders, durably."""
        folders = {path: asdict(one) for path, one in {**self.read(), **fresh}.items()}
        text = json.dumps({"version": 1, "folders": folders}, indent=1, default=datetime.isoformat)
        write_whole(self.file, f"{text}\n".encode())


def remedy(server: str, path: str, known: Known) -> str:
    """What an operator does about canaries that are not as they were."""
    return (
        f"stop all writes to {path} and find out which volumes {server} has and what became of the data; "
        f"if it is right all the same (a restored backup), remove {path}/.nfs-failover on {server} and "
        f"{known.file}, then run `./inv preflight`"
    )
