"""Exports as the kernel has them, as entries of `storage.exports`: same options, one entry (exports(5))."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from failover.adopt.host_view import Exported

# Defaults of exportfs(8) that it shows all the same, and what the hooks write by themselves (mp).
_SILENT = ("wdelay", "hide", "secure", "root_squash", "no_all_squash", "sec=sys", "mp", "mountpoint")
_ROOT = ("0", "root")
_LARGEST_FSID = 2**31 - 1


@dataclass(frozen=True)
class ExportEntry:
    """One entry: `options` without fsid, which is a field of its own where it is a number."""

    path: str
    clients: tuple[str, ...]
    options: str
    fsid: int | None


def entries(rows: Iterable[Exported]) -> tuple[ExportEntry, ...]:
    """Rows of the table as entries, in the order of their paths; clients that differ stand apart."""
    clients_by_export: dict[tuple[str, str, int | None], list[str]] = {}
    for row in rows:
        options, fsid = split(row.options)
        client = plain(row.client)
        clients = clients_by_export.setdefault((row.path, options, fsid), [])
        clients += [] if client in clients else [client]
    made = [
        ExportEntry(path, tuple(sorted(clients)), options, fsid)
        for (path, options, fsid), clients in clients_by_export.items()
    ]
    return tuple(sorted(made, key=lambda one: (one.path, one.clients)))


def split(options: Iterable[str]) -> tuple[str, int | None]:
    """The telling options joined by commas, and the number of fsid; root is 0, a UUID stays an option."""
    fsid, kept = None, []
    for option in options:
        key, _, value = option.partition("=")
        if key == "fsid" and (value in _ROOT or (value.isdigit() and int(value) <= _LARGEST_FSID)):
            fsid = 0 if value in _ROOT else int(value)
        elif option and option not in _SILENT and key not in ("mp", "mountpoint"):
            kept.append(option)
    access = [option for option in ("rw", "ro") if option in kept][:1] or ["ro"]
    rest = [option for option in kept if option not in ("rw", "ro")]
    return ",".join(access + rest), fsid


def plain(client: str) -> str:
    """One spelling: a network by its prefix, whatever netmask it came with; the world as *."""
    if client in ("<world>", ""):
        return "*"
    try:
        network = ipaddress.ip_network(client, strict=False)
    except ValueError:
        return client
    return str(network) if "/" in client else str(network.network_address)


def kerberos(rows: Iterable[Exported]) -> list[str]:
    """Paths that are exported with Kerberos, whose keys stay behind on the old server's disk: by an option,
    or by the client's name, the old way (gss/krb5)."""
    paths = {row.path for row in rows for o in row.options if o.startswith("sec=") and "krb5" in o}
    return sorted(paths | {row.path for row in rows if row.client.startswith("gss/")})
