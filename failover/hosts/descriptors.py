"""File descriptors for a site's connections: one's own shortage must never look like a host's silence."""

from __future__ import annotations

import resource

from failover.model.outcome import Usage

_PER_HOST = 4  # a connection; behind a ProxyCommand a socket pair and the command's standard error
_OURS = 256  # files, Terraform's pipes, the API's connections, and some servers


def provide(clients: int) -> int:
    """Raise this process's limit as far as it goes; returns it. Raises Usage when it is too low for the site.

    See getrlimit(2), RLIMIT_NOFILE: the soft limit may be raised to the hard one by everybody.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _OURS + _PER_HOST * clients
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Usage(
            f"this process may open {hard} files (ulimit -Hn); a site of {clients} clients needs {needed}",
            "raise the hard limit (limits.conf(5), LimitNOFILE= of a service), or run it elsewhere",
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        return needed
    return soft
