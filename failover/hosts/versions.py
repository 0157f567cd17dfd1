"""Whether a standby is what the active server is: kernel and packages. Parsers and judgement are pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from failover.hosts.ssh import SshHost
from failover.model.outcome import Unknown

_SECONDS = 60.0
_RPM = "nfs-utils iscsi-initiator-utils lvm2 xfsprogs quota-rpc"
_DEB = "nfs-kernel-server open-iscsi lvm2 xfsprogs quotarpc"
# rpm(8) and dpkg-query(1) name what is not installed on stderr, or in words that are no name and version
_SCRIPT = (
    "echo kernel $(uname -r); "
    f"if [ -e /etc/redhat-release ]; then rpm -q --qf '%{{NAME}} %{{VERSION}}-%{{RELEASE}}\\n' {_RPM}; "
    f"else dpkg-query -W -f '${{Package}} ${{Version}}\\n' {_DEB}; fi 2>/dev/null; true"
)


@dataclass(frozen=True)
class Drift:
    """One thing that differs. `active` and `standby` are versions, "none" where it is not installed."""

    name: str
    active: str
    standby: str

    @property
    def line(self) -> str:
        """For a person."""
        return f"{self.name}: {self.standby} here, {self.active} on the active server"


def versions(host: SshHost) -> Mapping[str, str]:
    """The kernel and the packages of the service on a host, by name. Raises Silent, Unknown."""
    by_name = parse(host.run(["sh", "-c", _SCRIPT], _SECONDS).out)
    if "kernel" not in by_name:
        raise Unknown(f"{host.name}: its versions could not be read", f"run `uname -r` on {host.name}")
    return by_name


def parse(text: str) -> dict[str, str]:
    """Lines of a name and a version; others are passed over. dpkg names what it has no version of."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def drift(active: Mapping[str, str], standby: Mapping[str, str]) -> tuple[Drift, ...]:
    """What differs, by name."""
    names = sorted({*active, *standby})
    drifts = (Drift(n, active.get(n, "none"), standby.get(n, "none")) for n in names)
    return tuple(one for one in drifts if one.active != one.standby)
