"""SSH to the lab's guests: the ssh_config that the operator's side uses too, and one way to run a script."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.hardware.images import pin_base
from lab.hardware.snapshot import set_clock
from lab.system.command import run
from lab.system.errors import HardwareError
from lab.system.paths import GUEST, RunDirectory
from lab.system.waiting import until

_CONFIG = """\
Host 10.0.0.*
  User {user}
  IdentityFile {key}
  IdentitiesOnly yes
  UserKnownHostsFile {known_hosts}
  StrictHostKeyChecking yes
  ProxyCommand ip netns exec {namespace} nc %h %p
  ConnectTimeout 10
  LogLevel ERROR
  ControlMaster auto
  ControlPath {sockets}/%C
  ControlPersist 120
"""


class GuestAccess:
    """Keys, known hosts and configuration in the run directory, and commands on guests by them."""

    def __init__(self, lab: RunDirectory) -> None:
        self.lab = lab
        self.key = lab.root / "ssh" / "id_ed25519"
        self.known_hosts = lab.root / "ssh" / "known_hosts"
        self.config = lab.root / "ssh" / "config"
        # Short, because a socket's path has at most 108 bytes; the operator's side makes none.
        self._sockets = Path(tempfile.gettempdir()) / f"{lab.namespace}-ssh"

    def make(self) -> None:
        """A key pair (once) and the configuration (anew)."""
        self.key.parent.mkdir(parents=True, exist_ok=True)
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        self.known_hosts.touch()
        if not self.key.exists():
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", self.key])
        text = _CONFIG.format(
            sockets=self._sockets,
            user=self.user,
            key=self.key,
            known_hosts=self.known_hosts,
            namespace=self.lab.namespace,
        )
        self.config.write_text(text)

    @property
    def user(self) -> str:
        """Who logs in on the guests of this lab."""
        return pin_base(self.lab).variant.user

    @property
    def public_key(self) -> str:
        """The key that instances get in their metadata."""
        return self.key.with_suffix(".pub").read_text().strip()

    def trust(self, address: str, keys: Sequence[str]) -> None:
        """Know the host at `address` by exactly these keys ("ssh-ed25519 AAAA...")."""
        old = self.known_hosts.read_text().splitlines() if self.known_hosts.exists() else []
        kept = [line for line in old if line.split()[:1] != [address]]
        self.known_hosts.write_text(
            "".join(f"{line}\n" for line in [*kept, *(f"{address} {k}" for k in keys)])
        )

    def run(
        self, address: str, argv: Sequence[str], *, deadline_seconds: float = 120, stdin: str = ""
    ) -> str:
        """Run argv on the guest; its stdout. Raises HardwareError with its stderr when it fails."""
        ssh: list[str | Path] = ["ssh", "-F", self.config, address, shlex.join(argv)]
        return run(ssh, deadline_seconds=deadline_seconds, stdin=stdin).stdout

    def script(self, address: str, name: str, *argv: str, deadline_seconds: float = 180) -> str:
        """Run the script lab/guest/<name> as root in the login's home folder."""
        return self.scripts(address, [name], *argv, deadline_seconds=deadline_seconds)

    def scripts(self, address: str, names: Sequence[str], *argv: str, deadline_seconds: float = 180) -> str:
        """Run these scripts of lab/guest as root, one after the other in one shell."""
        text = "".join((GUEST / name).read_text() for name in names)
        return self.run(
            address, ["sudo", "bash", "-s", "--", *argv], deadline_seconds=deadline_seconds, stdin=text
        )

    def put(self, address: str, files: Mapping[str, str]) -> None:
        """Write these files into the login's home folder."""
        for name, text in files.items():
            self.run(address, ["sh", "-c", 'cat > "$1"', "sh", name], stdin=text)

    def wait(self, address: str, deadline_seconds: float) -> None:
        """Wait until the guest lets us in. Raises HardwareError at the deadline with the last reason."""
        reasons: list[str] = []

        def answers() -> bool:
            try:
                self.run(address, ["true"], deadline_seconds=30)
            except HardwareError as error:
                reasons.append(str(error))
                return False
            return True

        if not until(answers, deadline_seconds, 0.5):
            raise HardwareError(f"{address}: no SSH within {deadline_seconds:.0f} s: {reasons[-1]}")

    def forget(self, address: str) -> None:
        """Drop the kept connection to a guest that has gone away or come back as another."""
        # 255: there was none, or its guest is dead
        run(["ssh", "-F", self.config, "-O", "exit", address], tolerated=(0, 255))

    def close(self) -> None:
        """End all kept connections."""
        for socket in self._sockets.glob("*") if self._sockets.exists() else []:
            run(["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "lab"], tolerated=(0, 255))
        shutil.rmtree(self._sockets, ignore_errors=True)

    def set_clock(self, address: str) -> None:
        """Set the guest's clock: a restored guest has the snapshot's clock."""
        set_clock(lambda argv: self.run(address, argv))
