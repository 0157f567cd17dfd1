"""How a host is reached, resolved by the user's own ssh(1): `ssh -G` knows Include, Match and defaults."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

from failover.hosts.ssh import patterns
from failover.model.outcome import Usage
from failover.model.site import SshAccess
from failover.runs.whoami import login

DEFAULT_USER = "opc"  # of Oracle's images
DIRECTLY = "directly"
_SECONDS = 20.0  # `Match exec` may run a command of the user's
_TOKEN = re.compile(r"%(.)|\$\{(\w+)\}")
_OF_THE_NAME = ("host", "hostname")
_LOCK = threading.Lock()
_DUMPS: dict[Hashable, tuple[str, dict[str, list[str]]]] = {}
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


@dataclass(frozen=True)
class Settings:
    """One host's settings. `name`: as it was given. `jumps`: the hosts of ProxyJump, the nearest first.

    `proxy_command`: expanded, for a shell. `way`: how the host is reached, the same for all hosts that are
    reached like this. `agent`: the socket's path, None without an agent. Times are in seconds.
    """

    name: str
    hostname: str
    port: int
    user: str
    identity_files: tuple[Path, ...]
    certificate_files: tuple[Path, ...]
    identities_only: bool
    agent: str | None
    known_hosts: tuple[Path, ...]
    host_key_alias: str | None
    jumps: tuple[str, ...]
    proxy_command: str | None
    way: str
    family: int
    bind_address: str | None
    alive_interval: int


def resolve(name: str, access: SshAccess, *, jump: bool = False) -> Settings:
    """The settings for `name`, a host name or address. `jump`: it is a jump host, with a user of its own.

    Raises Usage when ssh(1) is not installed, or refuses the configuration (ssh_config(5)).
    """
    user, _, host = name.rpartition("@") if jump else ("", "", name)
    host, port = _with_port(host) if jump else (host, "")
    if not jump and (shared := _shared(host, access)):
        return _settings(host, shared, access, jump)
    return _settings(host, _dump(_command(host, user, port, access, jump)), access, jump)


def _shared(host: str, access: SshAccess) -> Mapping[str, list[str]] | None:
    """The settings that ssh(1) has for another host with the same blocks, with this one's name in them."""
    blocks = patterns.blocks(access)
    belongs = blocks.of(host)
    if belongs is None:
        return None
    key = (access, blocks, belongs, os.environ.get("SSH_AUTH_SOCK"))
    with _LOCK:  # the first host asks, the others wait for its answer
        if key not in _DUMPS:
            _DUMPS[key] = (host, _dump(_command(host, "", "", access, False)))
        first, dump = _DUMPS[key]
    if first == host:
        return dump
    made_of_it = [k for k, values in dump.items() for v in values if first in v and k not in _OF_THE_NAME]
    if made_of_it or dump.get("hostname") != [first]:
        return None
    return {**dump, **{name: [host] for name in _OF_THE_NAME if name in dump}}


def _with_port(host: str) -> tuple[str, str]:
    """A jump host may carry its port: HOST:PORT or [ADDRESS]:PORT (ssh(1), -J)."""
    match = re.fullmatch(r"(?:ssh://)?(?:\[([^\]]+)\]|([^:\[\]]+))(?::(\d+))?/?", host)
    return (match.group(1) or match.group(2), match.group(3) or "") if match else (host, "")


def _command(host: str, user: str, port: str, access: SshAccess, jump: bool) -> list[str]:
    argv = ["ssh", "-G", "-T", "-o", "BatchMode=yes"]
    argv += ["-F", str(access.config_file)] if access.config_file else []
    argv += ["-p", port] if port else []
    user = user or ("" if jump else access.user or "")
    argv += ["-l", user] if user else []
    if not jump:
        argv += ["-o", f'UserKnownHostsFile="{access.known_hosts}"'] if access.known_hosts else []
    return [*argv, "--", host]


def _dump(argv: list[str]) -> dict[str, list[str]]:
    if shutil.which("ssh") is None:
        raise Usage("ssh is not on the PATH of this machine", "install the OpenSSH client (openssh-clients)")
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            errors="surrogateescape",  # a file's name may be any bytes
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Usage(
            f"`{' '.join(argv)}` did not end within {_SECONDS:.0f} s", "look at `Match exec` in ssh_config"
        ) from error
    except OSError as error:  # no process, memory or file descriptor left here
        raise Usage(
            f"`{' '.join(argv)}` could not be run: {error}", "mend this machine, then try again"
        ) from error
    if done.returncode:
        message = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise Usage(
            f"ssh refuses its configuration: {message}", "correct the file that it names (ssh_config(5))"
        )
    values: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        values.setdefault(key.lower(), []).append(value)
    return values


def _settings(host: str, dump: Mapping[str, list[str]], access: SshAccess, jump: bool) -> Settings:
    def one(key: str, default: str = "") -> str:
        value = dump.get(key, [default])[0]
        return "" if value.lower() == "none" else value

    local, user = login(), one("user")
    if not jump and access.user is None and user == local:
        user = DEFAULT_USER  # ssh's own default, the local login, is on no host of OCI
    hostname, port = one("hostname", host), int(one("port", "22"))
    tokens = _tokens(host, hostname, port, user, local, one("hostkeyalias"))

    def paths(key: str) -> tuple[Path, ...]:
        return tuple(_path(_expanded(v, tokens)) for v in dump.get(key, []) if v.lower() != "none")

    jumps, command = one("proxyjump"), one("proxycommand")
    if dump.get("proxyusefdpass", ["no"])[0] == "yes" and command:
        raise Usage(
            f"{host}: ssh_config has ProxyUseFdpass, which is not supported", "use ProxyJump in its place"
        )
    way = f"through {jumps}" if jumps else f"through `{command}`" if command else DIRECTLY
    lists = [v.split() for key in ("userknownhostsfile", "globalknownhostsfile") for v in dump.get(key, [])]
    known = [str(access.known_hosts)] if access.known_hosts and not jump else []
    known += [w for words in (lists[1:] if known else lists) for w in words if w.lower() != "none"]
    return Settings(
        name=host,
        hostname=hostname,
        port=port,
        user=user,
        identity_files=_identities(paths("identityfile"), None if jump else access.identity_file),
        certificate_files=paths("certificatefile"),
        identities_only=one("identitiesonly") == "yes",
        agent=_agent(dump.get("identityagent", ["SSH_AUTH_SOCK"])[0], tokens),
        known_hosts=tuple(_path(_expanded(w, tokens)) for w in known),
        host_key_alias=one("hostkeyalias") or None,
        jumps=tuple(jumps.split(",")) if jumps else (),
        proxy_command=_expanded(command, tokens) if command else None,
        way=way,
        family=_FAMILIES.get(one("addressfamily"), socket.AF_UNSPEC),
        bind_address=one("bindaddress") or None,
        alive_interval=int(one("serveraliveinterval", "0") or 0),
    )


def _identities(files: tuple[Path, ...], required: Path | None) -> tuple[Path, ...]:
    """The site's own file stands in place of the defaults; -i of ssh(1) would drop one that is missing."""
    if required is None:
        return files
    named = [f for f in files if f.parent != Path.home() / ".ssh" or not f.name.startswith("id_")]
    return (required.expanduser(), *(f for f in named if f != required.expanduser()))


def _agent(value: str, tokens: Mapping[str, str]) -> str | None:
    """ssh_config(5), IdentityAgent: a path, the name of a variable, SSH_AUTH_SOCK, or none."""
    if value.lower() == "none":
        return None
    if value == "SSH_AUTH_SOCK":
        return os.environ.get(value) or None
    if value.startswith("$"):
        return os.environ.get(value.strip("${}")) or None
    return str(_path(_expanded(value, tokens)))


def _tokens(host: str, hostname: str, port: int, user: str, local: str, alias: str) -> dict[str, str]:
    """ssh_config(5), TOKENS: those of a client that need no connection."""
    node = socket.gethostname()
    return {
        "%": "%",
        "d": str(Path.home()),
        "h": hostname,
        "i": str(os.getuid()),
        "k": alias or host,
        "L": node.partition(".")[0],
        "l": node,
        "n": host,
        "p": str(port),
        "r": user,
        "u": local,
    }


def _expanded(text: str, tokens: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match.group(2):
            return os.environ.get(match.group(2), "")
        return tokens.get(match.group(1), match.group(0))

    return _TOKEN.sub(value, text)


def _path(text: str) -> Path:
    try:
        return Path(text.strip('"')).expanduser()
    except RuntimeError as error:
        raise Usage(
            f"ssh_config names {text}: this machine does not know that home", "correct it, or set HOME"
        ) from error


Resolve = Callable[[str, SshAccess], Settings]
