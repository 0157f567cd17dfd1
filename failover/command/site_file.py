"""The site: site.toml, which says where the stack, the cloud, the SSH access and the clients are."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from failover.command.toml_table import Table
from failover.model import identifiers
from failover.model.outcome import Usage
from failover.model.site import (
    Client,
    ClientMount,
    CloudAccess,
    CommandAccess,
    Deadlines,
    Objectives,
    PreflightLimits,
    Site,
    SshAccess,
    TerraformAccess,
    Transport,
)

ENVIRONMENT_VARIABLE = "NFS_FAILOVER_SITE"
DEFAULT = Path("site.toml")
_MOST_SECONDS = 86_400.0  # a day, which is also what the hooks take
_LEAST_DAYS, _MOST_DAYS = 1e-9, 36_500.0
_EXAMPLE = "compare it with docs/site.example.toml"


def load(given: str | None = None) -> Site:
    """The site named on the command line, by $NFS_FAILOVER_SITE, or ./site.toml; raises Usage."""
    path = Path(given or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT)
    try:
        path = path.expanduser().absolute()
        text = path.read_text(encoding="utf-8-sig")  # as editors on Windows begin a file
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Usage(
            f"no site is configured: {path} does not exist",
            "write it with `./inv adopt --instance OCID` (docs/adopt.md), or by hand from "
            "docs/site.example.toml; `./inv drill` rehearses without one",
        ) from error
    except UnicodeDecodeError as error:
        raise Usage(f"{path}: not valid TOML: {error}", _EXAMPLE) from error
    except (OSError, RuntimeError, ValueError) as error:  # a home that is not known, a null byte
        what = error.strerror if isinstance(error, OSError) else error
        raise Usage(f"{path}: not readable: {what}", "name the site file with --site") from error
    try:
        site = parse(tomllib.loads(text), path)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Usage(f"{path}: not valid TOML: {error}", _EXAMPLE) from error
    for key in ("identity_file", "config_file", "known_hosts"):
        _require_readable(f"[ssh] {key}", getattr(site.ssh, key))
    return site


def _require_readable(key: str, path: Path | None) -> None:
    """A file that the site names and that is not there is a slip, never evidence about a host."""
    if path is None:
        return
    try:
        with path.open("rb"):
            return
    except FileNotFoundError:
        fault = "does not exist"
    except OSError as error:
        fault = f"is not readable: {error.strerror}"
    raise Usage(
        f"{key} {path} {fault}", f"correct {key} in the site file, or leave it out: then as ssh(1) does"
    )


def parse(document: Mapping[str, Any], file: Path) -> Site:
    """A Site out of the parsed TOML; relative paths are taken from the file's folder. Raises Usage."""
    base, table = _Base(file.parent), Table("", document)
    transport = table.get("transport", _transport, Transport.SSH)
    site = Site(
        file=file,
        terraform=_terraform(table.table("terraform"), base),
        cloud=_cloud(table.table("oci"), base),
        ssh=_ssh(table.table("ssh"), base),
        clients=_clients(table.tables("clients"), transport),
        runs=_runs(table.table("runs"), base),
        deadlines=_deadlines(table.table("deadlines")),
        preflight=_preflight(table.table("preflight")),
        objectives=_objectives(table.table("objectives")),
        run_command=_run_command(table.table("run_command")),
    )
    table.done()
    return site


class _Base:
    """The folder that relative paths are taken from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, value: object, where: str) -> Path:
        """The path that a key has as its value; raises Usage for what names no file or folder."""
        if not isinstance(value, str) or not value or "\0" in value:
            raise Usage(f"{where}: found {value!r}, expected a file or folder name", f"correct {where}")
        try:
            return self._folder / Path(value).expanduser()
        except RuntimeError as error:
            raise Usage(f"{where}: found {value!r}: {error}", f"correct {where}") from error


def _runs(table: Table, base: _Base) -> Path:
    directory = table.get("directory", base.path, base.path("runs", "runs.directory"))
    table.done()
    return directory


def _terraform(table: Table, base: _Base) -> TerraformAccess:
    directory = table.get("directory", base.path, base.path("terraform", "terraform.directory"))
    access = TerraformAccess(
        directory,
        {key: _setting(value, f"terraform.environment.{key}") for key, value in _environment(table).items()},
        stack_id=table.get("stack_id", _stack_id, ""),
        checkout=directory if table.has("directory") else None,
    )
    table.done()
    return access


def _stack_id(value: object, where: str) -> str:
    return "" if value == "" else identifiers.stack_id(value, where)


def _environment(table: Table) -> Mapping[str, Any]:
    variables = table.table("environment").items()
    for name in variables:
        if not name.isprintable() or "=" in name or not name:
            raise Usage(f"terraform.environment: found {name!r}, expected a variable's name", _EXAMPLE)
    return variables


def _setting(value: object, where: str) -> str:
    """The text of a variable; a number is written as one, and for true and false Terraform wants texts."""
    if isinstance(value, str | int | float) and not isinstance(value, bool) and "\0" not in str(value):
        return str(value)
    raise Usage(f"{where}: found {value!r}, expected a text", f"put the value of {where} into quotes")


def _cloud(table: Table, base: _Base) -> CloudAccess:
    access = CloudAccess(
        config_file=table.get("config_file", base.path, base.path("~/.oci/config", "oci.config_file")),
        profile=table.get("profile", _text, "DEFAULT"),
        endpoint=table.get("endpoint", _endpoint, ""),
    )
    table.done()
    return access


def _text(value: object, where: str) -> str:
    if isinstance(value, str) and value and value.isprintable():
        return value
    raise Usage(f"{where}: found {value!r}, expected a text", f"correct {where}")


def _endpoint(value: object, where: str) -> str:
    if value == "" or (isinstance(value, str) and re.fullmatch(r"https?://[!-~]+", value)):
        return value
    raise Usage(f"{where}: found {value!r}, expected an address such as https://...", f"correct {where}")


def _ssh(table: Table, base: _Base) -> SshAccess:
    access = SshAccess(
        user=table.get("user", identifiers.user, None),
        identity_file=table.get("identity_file", base.path, None),
        config_file=table.get("config_file", base.path, None),
        known_hosts=table.get("known_hosts", base.path, None),
        connect_seconds=table.get("connect_seconds", _seconds, 10.0),
        reach=table.get("reach", _flag, True),
    )
    table.done()
    return access


def _transport(value: object, where: str) -> Transport:
    if isinstance(value, str) and value in list(Transport):
        return Transport(value)
    raise Usage(f"{where}: found {value!r}, expected {' or '.join(Transport)}", f"correct {where}")


def _run_command(table: Table) -> CommandAccess:
    defaults = CommandAccess()
    access = CommandAccess(
        compartment=table.get("compartment", _ocid("compartment", "tenancy"), ""),
        hooks_url=table.get("hooks_url", _https, ""),
        delivery_seconds=table.get("delivery_seconds", _deadline, defaults.delivery_seconds),
    )
    table.done()
    return access


def _ocid(*kinds: str) -> Callable[[object, str], str]:
    """A check for the OCID of such a resource."""

    def check(value: object, where: str) -> str:
        if isinstance(value, str) and re.fullmatch(rf"ocid1\.({'|'.join(kinds)})\.[\w.-]{{1,230}}", value):
            return value
        expected = f"an OCID that begins with ocid1.{kinds[0]}."
        raise Usage(f"{where}: found {value!r}, expected {expected}", f"correct {where}")

    return check


def _https(value: object, where: str) -> str:
    if isinstance(value, str) and re.fullmatch(r"https://[!-~]{1,1000}", value):
        return value
    raise Usage(  # the value may be a pre-authenticated request, and so a secret
        f"{where}: expected an address that begins with https://, without blanks", f"correct {where}"
    )


def _clients(tables: list[Table], transport: Transport) -> tuple[Client, ...]:
    """Every client once: a second one of a name or an address would be dropped, or done twice."""
    clients = tuple(_client(table, transport) for table in tables)
    _once("name", [client.name for client in clients])
    _once("instance_id", [client.instance_id for client in clients if client.instance_id])
    _once("address", [client.address.lower() for client in clients])
    return clients


def _once(key: str, values: list[str]) -> None:
    for index, value in enumerate(values):
        if (first := values.index(value)) < index:
            raise Usage(
                f"clients[{index}].{key}: found {value!r}, as clients[{first}] has, expected each once",
                "put all mounts of one client into one table",
            )


def _client(table: Table, transport: Transport) -> Client:
    name = table.need("name", identifiers.hostname)
    address = table.get("address", identifiers.address, name)
    mounts = tuple(_mount(entry) for entry in table.tables("mounts"))
    transport = table.get("transport", _transport, transport)
    instance_id = table.get("instance_id", _ocid("instance"), "")
    table.done()
    if not mounts:
        raise Usage(
            f"{table.where} ({name}): no mounts", 'add mounts = [{ path = "/mnt/a", mount = "/mnt/nfs/a" }]'
        )
    points = [mount.mount for mount in mounts]
    if twice := sorted({point for point in points if points.count(point) > 1}):
        raise Usage(
            f"{table.where}.mounts: {twice[0]} stands there twice, expected once", "remove one of them"
        )
    return Client(name, address, mounts, transport, instance_id)


def _mount(table: Table) -> ClientMount:
    mount = ClientMount(
        table.need("path", identifiers.exported_path), table.need("mount", identifiers.mount_point)
    )
    table.done()
    return mount


def _deadlines(table: Table) -> Deadlines:
    defaults = {item.name: float(getattr(Deadlines(), item.name)) for item in fields(Deadlines)}
    values = {key: table.get(key, _deadline, value) for key, value in defaults.items()}
    table.done()
    return Deadlines(**values)


def _preflight(table: Table) -> PreflightLimits:
    defaults = {item.name: float(getattr(PreflightLimits(), item.name)) for item in fields(PreflightLimits)}
    values = {key: table.get(key, _days, value) for key, value in defaults.items()}
    table.done()
    return PreflightLimits(**values)


def _objectives(table: Table) -> Objectives:
    checks = {item.name: _days if item.name.endswith("_days") else _seconds for item in fields(Objectives)}
    values: dict[str, float | None] = {}
    for name, check in checks.items():
        values[name] = table.get(name, check, None)
    table.done()
    return Objectives(**values)


def _deadline(value: object, where: str) -> float:
    """Whole runs count in seconds, and the hooks take no fraction of one."""
    return _number(value, where, 1.0, _MOST_SECONDS, "seconds")


def _seconds(value: object, where: str) -> float:
    return _number(value, where, 0.1, _MOST_SECONDS, "seconds")


def _days(value: object, where: str) -> float:
    return _number(value, where, _LEAST_DAYS, _MOST_DAYS, "days")


def _flag(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    raise Usage(f"{where}: found {value!r}, expected true or false", f"correct {where}")


def _number(value: object, where: str, least: float, most: float, unit: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        return float(value)
    expected = f"a number of {unit} from {least:g} to {most:g}"
    raise Usage(f"{where}: found {value!r}, expected {expected}", f"correct {where}")
