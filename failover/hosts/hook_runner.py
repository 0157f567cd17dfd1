"""The hooks on the hosts: the same zipapp everywhere, sent once, its JSON answer as a value."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from failover.bundle import zipapp
from failover.hosts.host_keys import PinnedKeys
from failover.hosts.ssh import SshHost, close_shared
from failover.model import hook_report as answers
from failover.model.hook_report import HookReport
from failover.model.host_spec import HostDocument
from failover.model.outcome import Failed
from failover.model.site import Site

_FOLDER = ".nfs-failover"
# EL8 has no python3 on the PATH by default, but always its platform-python.
_LAUNCH = 'exec sudo -n "$(command -v python3 || echo /usr/libexec/platform-python)" "$@"'
# Written beside and renamed over, so that a broken connection leaves no half file under the name.
_SEND = 'mkdir -p -m 0700 "$1" && { test -s "$2" || { base64 -d > "$2.part" && mv -f "$2.part" "$2"; }; }'


class HookRunner:
    """A host on which the hooks run as root, over SSH."""

    def __init__(self, ssh: SshHost) -> None:
        self.ssh = ssh
        self._sent = ""

    def hooks(
        self, action: str, spec: HostDocument, deadline_seconds: float, only: Sequence[str] = ()
    ) -> HookReport:
        """Run `action` (hooks/cli.py names them) with the spec; raises Silent, Unknown, or Failed.

        `only`: of these layers; without it of all.
        """
        path = self._send()
        argv = ["sh", "-c", _LAUNCH, "hooks", path, action, "--spec", "-"]
        argv += ["--only", ",".join(only)] if only else []
        # twice: the hooks may first wait for another run on the host (hooks/host/lock.py), then do their own
        ran = self.ssh.run(argv, 2 * deadline_seconds + 30, stdin=json.dumps(spec))
        return answers.parse(self.ssh.name, action, ran.code, ran.out, ran.err)

    def reboot(self) -> None:
        """Reboot the host; the connection is dropped."""
        self.ssh.run(["sudo", "-n", "systemctl", "reboot", "--no-block"], 60)
        self.ssh.close()

    def _send(self) -> str:
        path = f"{_FOLDER}/hooks-{zipapp.hooks_sha256()[:16]}.pyz"
        if self._sent != path:
            encoded = base64.b64encode(zipapp.hooks_bytes()).decode()
            sent = self.ssh.run(["sh", "-c", _SEND, "send", _FOLDER, path], 60, stdin=encoded)
            if sent.code:
                raise Failed(
                    f"{self.ssh.name}: the hooks could not be written to {path}: {sent.err.strip()}",
                    f"make room in the login's home on {self.ssh.name}, then run the same command again",
                )
            self._sent = path
        return path


class Hosts:
    """The hosts of a site, one connection each, kept for the whole run."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.keys = PinnedKeys(site.runs / "known_hosts")
        self._open: dict[tuple[str, str, tuple[str, ...]], HookRunner] = {}

    def at(self, name: str, address: str) -> HookRunner:
        """The host of this name at this address, with the keys that are known for it now."""
        pinned = self.keys.of(address)
        identity = (name, address, pinned)
        if identity not in self._open:
            self._open[identity] = HookRunner(SshHost(name, address, self._site.ssh, pinned))
        return self._open[identity]

    def close(self) -> None:
        """Close every connection."""
        for host in self._open.values():
            host.ssh.close()
        close_shared(self._site.ssh)
