"""SSH as the user's own ssh(1) does it: its configuration, keys and known hosts; a deadline on each wait."""

from failover.hosts.ssh.errors import HostUnknown, LoginRefused, Silent
from failover.hosts.ssh.host import Ran, SshHost, close_shared, wait_until_answers

__all__ = [
    "HostUnknown",
    "LoginRefused",
    "Ran",
    "Silent",
    "SshHost",
    "close_shared",
    "wait_until_answers",
]
