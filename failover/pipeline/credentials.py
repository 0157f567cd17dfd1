"""The secrets of a pipeline's job, where the tools look for them: in files that only their owner reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from failover.model.outcome import Usage

# Secret -> file in the home folder. All but the first two are optional: not every site needs them.
FILES = {
    "OCI_CONFIG": ".oci/config",
    "OCI_KEY": ".oci/key.pem",
    "SSH_KEY": ".ssh/id_ed25519",
    "KNOWN_HOSTS": ".ssh/known_hosts",
    "STATE_CREDENTIALS": ".aws/credentials",
}
NEEDED = ("OCI_CONFIG", "OCI_KEY")


def write(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Write each secret that is given, mode 0600, over what is there only if that is empty or the same.

    Raises Usage for a secret that is missing, and for another file in its place: this is for a job's own
    home, and no key on a person's laptop is overwritten.
    """
    if missing := [name for name in NEEDED if not environment.get(name, "").strip()]:
        raise Usage(
            f"{', '.join(missing)}: not given, or empty",
            "set the secrets of the job's environment: docs/door-gitops.md",
        )
    texts = {
        home / file: value.rstrip("\n") + "\n"
        for name, file in FILES.items()
        if (value := environment.get(name, "").strip())
    }
    for path, text in texts.items():
        if path.exists() and path.read_text() not in ("", text):
            raise Usage(f"{path} exists already, and is another", "run this in a job, or move the file away")
    for path, text in texts.items():
        _write(path, text)
    return list(texts)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(text)
