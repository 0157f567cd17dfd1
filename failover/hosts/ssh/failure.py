"""What kind of failure a login came to: silent, refused, or unknown. Pure; the evidence is in the Attempt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import asyncssh

from failover.hosts.ssh import trust
from failover.hosts.ssh.errors import HostUnknown, LoginRefused, Silent
from failover.hosts.ssh.settings import Settings
from failover.hosts.ssh.wire import Wire
from failover.model.host.attempt import Attempt

LOGIN_SECONDS = 30.0  # from an accepted connection to the end of the login; slowness is not silence
_NO_COMMAND = (126, 127)  # of a shell (sh(1)): the ProxyCommand cannot be run


@dataclass(frozen=True)
class Login:
    """A login that failed. `answered`: SSH's banner came back. `late`: its time was over."""

    name: str
    settings: Settings
    attempt: Attempt
    answered: bool
    late: bool
    line: Wire | None


def classified(login: Login, known: asyncssh.SSHKnownHosts, error: BaseException) -> Exception:
    """The failure as this project's error: Silent, LoginRefused or HostUnknown."""
    host_settings = login.settings
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        other = trust.is_known(
            known, host_settings.host_key_alias or host_settings.hostname, "", host_settings.port
        )
        what = (
            f"another host key than the known one ({error.reason})" if other else "its host key is not known"
        )
        return _unknown(HostUnknown, login, what)
    if isinstance(error, asyncssh.PermissionDenied):
        return _refused(login, f"the login {host_settings.user!r} was refused ({error.reason})")
    if not login.answered:
        return _no_banner(login, error)
    if login.late:
        alive = f"SSH answered, but no login within {LOGIN_SECONDS:.0f} s"
        return _silent(login, alive, alive)
    if isinstance(error, asyncssh.ConnectionLost | OSError):
        return _refused(login, f"it ended the connection during the login ({error})")
    return _unknown(HostUnknown, login, str(error) or type(error).__name__)


def _no_banner(login: Login, error: BaseException) -> Exception:
    host_settings, line = login.settings, login.line
    text = (line.complaint() if line else "") or ("" if login.late else str(error))
    if line and line.command and line.command.poll() in _NO_COMMAND:
        return HostUnknown(
            f"{login.name} ({login.attempt.address}) was not tried: {text}",
            "correct ProxyCommand in the ssh configuration",
            replace(login.attempt, result=f"not tried: {text}"),
        )
    if line and line.command:
        return _silent(login, text or "no answer through the ProxyCommand in time", "")
    alive = f"port {host_settings.port} accepts connections, but gives no SSH banner" + (
        f" ({text})" if text else ""
    )
    return _silent(login, alive, alive)


def _silent(login: Login, result: str, alive: str) -> Silent:
    attempt = replace(login.attempt, result=result, alive=alive, answered=login.answered)
    return Silent(f"{login.name} ({attempt.address}): {result}", attempt)


def _refused(login: Login, what: str) -> HostUnknown:
    keys = ", ".join(login.attempt.keys)
    return _unknown(LoginRefused, login, f"{what}, {f'with {keys}' if keys else 'without any key'}")


def _unknown(kind: type[HostUnknown], login: Login, what: str) -> HostUnknown:
    host_settings, attempt = login.settings, login.attempt
    files = ", ".join(str(file) for file in host_settings.known_hosts[:2]) or "no known_hosts"
    return kind(
        f"{login.name} ({attempt.address}) answers SSH, but: {what}",
        f"make `ssh {host_settings.user}@{attempt.address}` work with a verified host key ({files}), "
        "then try again",
        replace(attempt, result=what, answered=True),
    )
