"""The keys that are offered to a host, chosen as ssh(1) does: what cannot be used is skipped."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import asyncssh

from failover.hosts.ssh.settings import Settings
from failover.model.outcome import Usage

_LOCK = threading.Lock()
_AGENT_SECONDS = 2.0
AGENT = "the agent's"  # keys, by their name in the evidence
_ENCRYPTED = "wants a passphrase, and is not in the agent"


@dataclass(frozen=True)
class Identity:
    """What a login offers. `names`: for the evidence.

    `public`: the public halves of all files, by which the agent's keys are chosen; with `identities_only` no
    others of the agent's are offered. `agent`: the socket of an agent that answers, None without one.
    """

    keys: tuple[asyncssh.SSHKey, ...]
    certificates: tuple[str, ...]
    agent: str | None
    public: tuple[bytes, ...]
    identities_only: bool
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Loaded:
    key: asyncssh.SSHKey | None = None
    public: bytes | None = None
    why_not: str = ""


def of(settings: Settings, required: Path | None) -> Identity:
    """The identity for these settings.

    `required`: the file that the site itself names. A file that only ssh_config(5) names, or a default one,
    is skipped when it cannot be used. Raises Usage when the required one cannot be used, by its own private
    key or by the agent's.
    """
    agent = settings.agent if settings.agent and _answers(settings.agent) else None
    with _LOCK:
        loaded = {file: _load(file) for file in settings.identity_files}
    if required is not None and (one := loaded.get(required)):
        _refuse_unusable(required, one, agent)
    names = [str(file) for file, one in loaded.items() if one.key]
    names += [f"{file} ({one.why_not})" for file, one in loaded.items() if one.why_not and _is_named(file)]
    names += [AGENT] if agent else []
    beside = [file.with_name(file.name + "-cert.pub") for file, one in loaded.items() if one.key]
    return Identity(
        keys=tuple(one.key for one in loaded.values() if one.key),
        certificates=tuple(str(c) for c in (*beside, *settings.certificate_files) if c.exists()),
        agent=agent,
        public=tuple(one.public for one in loaded.values() if one.public),
        identities_only=settings.identities_only,
        names=tuple(names),
    )


def _is_named(file: Path) -> bool:
    """Not one of ssh's own defaults, of which most never exist."""
    return not file.name.startswith("id_") or file.exists()


def _answers(agent: str) -> bool:
    """An agent that has gone leaves its socket behind; ssh(1) goes on without it."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_AGENT_SECONDS)
            probe.connect(agent)
    except OSError:
        return False
    return True


def _refuse_unusable(file: Path, loaded: _Loaded, agent: str | None) -> None:
    if loaded.key or (agent and loaded.public):
        return
    raise Usage(
        f"[ssh] identity_file {file}: {loaded.why_not}",
        "correct [ssh] identity_file in the site, or load the key into the ssh agent (ssh-add)",
    )


@lru_cache(maxsize=64)
def _load(file: Path) -> _Loaded:
    try:
        key = asyncssh.read_private_key(str(file))
    except FileNotFoundError:
        return _Loaded(None, _public(file), "does not exist")
    except OSError as error:
        return _Loaded(None, None, error.strerror or str(error))
    except asyncssh.KeyEncryptionError:
        return _Loaded(None, _public(file), _ENCRYPTED)
    except (asyncssh.KeyImportError, ValueError) as error:
        why = _ENCRYPTED if "assphrase" in str(error) else "is not a private key"
        return _Loaded(None, _public(file), why)
    return _Loaded(key, bytes(key.public_data))


def _public(file: Path) -> bytes | None:
    """The public half, of the file itself or beside it: it names a key that the agent holds."""
    for name in (file.with_name(file.name + ".pub"), file):
        try:
            return bytes(asyncssh.read_public_key(str(name)).public_data)
        except (OSError, asyncssh.KeyImportError, ValueError):
            continue
    return None
