"""site.toml as a text: made new, or with the clients that it lacks at its end; what is written stays."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from failover.adopt.clients import ClientLook
from failover.model.outcome import Usage
from failover.model.site import Client, Site

_HEAD = """\
# The site of `invoke`: how the API and the hosts are reached. docs/site.example.toml has every key.
# Nothing in here is secret.
"""


@dataclass(frozen=True)
class Access:
    """What the command line said that a new site.toml has to keep. None: not set."""

    directory: Path
    config_file: Path
    profile: str
    user: str | None


def new(access: Access, base: Path) -> str:
    """A site file without clients. Paths are taken from its folder, `base`."""
    lines = [_HEAD, "[terraform]", f"directory = {_text(_relative(access.directory, base))}", ""]
    lines += ["[oci]", f"config_file = {_text(_shown(access.config_file))}"]
    lines += [f"profile = {_text(access.profile)}", ""]
    lines += ["[ssh]", f"user = {_text(access.user)}", ""] if access.user else []
    return "\n".join(lines)


def with_clients(text: str, site: Site, looks: Iterable[ClientLook]) -> str:
    """The text with a table for each client that it has not yet, by its name or its address.

    Raises Usage where no table can be added.
    """
    names = {client.name for client in site.clients}
    addresses = {client.address.lower() for client in site.clients}
    added = []
    for look in looks:
        client = look.client
        if client is None or client.address.lower() in addresses or client.name in addresses:
            continue
        known = client.name in names
        if known and any(one.name == client.name and one.mounts == client.mounts for one in site.clients):
            continue  # the same host under another of its addresses
        name = f"{client.name}-{len(names)}" if known else client.name
        names.add(name)
        addresses.add(client.address.lower())
        added.append(_table(Client(name, client.address, client.mounts), look.candidate.why))
    return _extended(text, added, site.file) if added else text


def _extended(text: str, added: list[str], file: Path) -> str:
    made = text.rstrip("\n") + "\n\n" + "\n".join(added)
    try:
        tomllib.loads(made.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise Usage(
            f"{file}: no client can be added at its end ({error}): found clients = [...], expected a table "
            "[[clients]] for each",
            "write them as tables, or take an empty clients = [] out, then adopt again; nothing was written",
        ) from error
    return made


def _text(value: str) -> str:
    """A basic string of TOML, which takes no pair of surrogates for one character."""
    return json.dumps(value, ensure_ascii=False)


def _table(client: Client, why: str) -> str:
    mounts = [f"{{ path = {_text(m.path)}, mount = {_text(m.mount)} }}" for m in client.mounts]
    listed = f"[{mounts[0]}]" if len(mounts) == 1 else "[\n" + "".join(f"  {m},\n" for m in mounts) + "]"
    return (
        f"[[clients]]  # {why}\nname = {_text(client.name)}\naddress = {_text(client.address)}\n"
        f"mounts = {listed}\n"
    )


def missing_mounts(site: Site, looks: Iterable[ClientLook]) -> list[str]:
    """What clients have mounted now and their tables in site.toml lack, a line each."""
    lines = []
    for look in looks:
        client = look.client
        mine = [c for c in site.clients if client and client.address.lower() in (c.address.lower(), c.name)]
        for known in mine:
            lacking = [m for m in (client.mounts if client else ()) if m not in known.mounts]
            lines += [
                f"{known.name}: {m.path} on {m.mount} is mounted, and site.toml lacks it" for m in lacking
            ]
    return lines


def _relative(path: Path, base: Path) -> str:
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)


def _shown(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
