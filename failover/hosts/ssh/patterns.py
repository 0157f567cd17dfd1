"""Which hosts ssh(1) has the same settings for: asked once for all of them, not once for each.

ssh_config(5): a block belongs to a host by the patterns of its `Host` line. Hosts with the same blocks have
the same settings, but for what is made of the host's name. Where that is not certain - a `Match` that looks
at more, names that are made canonical - each host is asked for by itself.
"""

from __future__ import annotations

import fnmatch
import glob
from dataclasses import dataclass
from pathlib import Path

from failover.model.site import SshAccess

SYSTEM = Path("/etc/ssh/ssh_config")
_DEPTH = 16  # of Include, as ssh(1) has it
_CERTAIN = {  # arguments that make no difference between hosts
    "match": {"all", "final", "canonical"},
    "canonicalizehostname": {"no"},
}


@dataclass(frozen=True)
class Blocks:
    """The `Host` lines of a configuration, in order. `certain`: nothing else depends on the host.

    `text`: of all of its files, for who keeps what was made of it.
    """

    hosts: tuple[tuple[str, ...], ...]
    certain: bool
    text: str

    def of(self, name: str) -> tuple[bool, ...] | None:
        """Which of the blocks belong to the host; None where it has to be asked for by itself."""
        return tuple(_matches(name.lower(), patterns) for patterns in self.hosts) if self.certain else None


def blocks(access: SshAccess) -> Blocks:
    """The blocks of the files that ssh(1) reads: the site's own one, or the user's and the system's."""
    reader = _ConfigReader()
    if access.config_file:
        reader.read(access.config_file, Path.home() / ".ssh", 0)
    else:
        reader.read(Path.home() / ".ssh/config", Path.home() / ".ssh", 0)
        reader.read(SYSTEM, SYSTEM.parent, 0)
    return Blocks(tuple(reader.hosts), reader.certain, "\n".join(reader.lines))


class _ConfigReader:
    def __init__(self) -> None:
        self.hosts: list[tuple[str, ...]] = []
        self.certain = True
        self.lines: list[str] = []

    def read(self, file: Path, folder: Path, depth: int) -> None:
        try:
            lines = file.read_text(errors="replace").splitlines()
        except OSError:
            return  # ssh(1) passes over it, or says itself what is wrong
        self.lines += lines
        for line in lines:
            keyword, arguments = _words(line)
            if keyword == "host":
                self.hosts.append(tuple(one.lower() for one in arguments))
            elif keyword in _CERTAIN and not {one.lower() for one in arguments} <= _CERTAIN[keyword]:
                self.certain = False
            elif keyword == "include":
                self._include(arguments, folder, depth)

    def _include(self, arguments: list[str], folder: Path, depth: int) -> None:
        for name in arguments:
            if depth >= _DEPTH or "%" in name or "$" in name:
                self.certain = False
                continue
            try:
                pattern = str(folder / Path(name).expanduser())
            except RuntimeError:  # nobody's home: ssh(1) says what it does about it
                self.certain = False
                continue
            for included in sorted(glob.glob(pattern)):  # noqa: PTH207 - absolute too
                self.read(Path(included), folder, depth + 1)


def _words(line: str) -> tuple[str, list[str]]:
    """The keyword in lower case, and its arguments without quotes; empty for a comment."""
    text = line.strip()
    if not text or text.startswith("#"):
        return "", []
    first, *rest = text.replace("=", " ", 1).split()  # `Key=value` and `Key = value` are `Key value`
    return first.lower(), [one.strip('"') for one in rest]


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    """ssh_config(5), PATTERNS: one that matches, and none that matches with ! before it."""
    if any(fnmatch.fnmatchcase(name, one[1:].replace("[", "[[]")) for one in patterns if one.startswith("!")):
        return False
    return any(fnmatch.fnmatchcase(name, one.replace("[", "[[]")) for one in patterns)
