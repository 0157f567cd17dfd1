"""What a cluster's processes do on mounts by the service's address while the service moves.

Three mounts of one client: NFSv3 without locks, v4.0 and v4.2. lab/guest/workloads.py does the works; what it
logs is read here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import partial

from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, CLIENT, SERVICE_ADDRESS
from lab.system.errors import HardwareError
from lab.system.paths import GUEST
from lab.system.waiting import until

GUESTS = "workloads"  # their image has Git
VERSIONS: Mapping[str, str] = {"v3": "vers=3,nolock", "v40": "vers=4.0", "v42": "vers=4.2"}
WORKS = ("posix", "flock", "delegation", "copy", "clone", "rename")
ROUNDS = 2  # of each work, before a move and after it
ROUND_SECONDS = 600  # a takeover's grace, and rounds of works that share one slow processor
PROGRAM = "/usr/local/lib/drill/workloads.py"
_FOLDER = "/var/lib/drill/works"
_SOURCE_MIB, _FILES = 8, 20


class Workloads:
    """The works on nfs-cli. All methods raise HardwareError when a guest does not do it."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def start(self) -> None:
        """The mounts, what is copied and cloned, and a unit for each mount."""
        self._lab.access.put(ADDRESSES[CLIENT], {"workloads.py": (GUEST / "workloads.py").read_text()})
        self._root(f"install -D -m 0755 workloads.py {PROGRAM}")
        user, source = self._lab.access.user, f"{SERVICE_ADDRESS}:{self._lab.shape.path}"
        for name, options in VERSIONS.items():
            folder, mount = f"{_FOLDER}/{name}", f"/mnt/works-{name}"
            self._root(
                f"mkdir -p {mount} {folder}/repository; "
                f"dd if=/dev/urandom of={folder}/source bs=1M count={_SOURCE_MIB} status=none; "
                f"cd {folder}/repository; git init -q; "
                f"seq {_FILES} | while read n; do seq $n 999 > file-$n; done; "
                "git add -A; git -c user.name=drill -c user.email=drill commit -q -m all; "
                f"mount -t nfs -o {options},hard {source} {mount}; "
                # each has a folder of its own: the three share the filesystem. The export makes root nobody
                f"sudo -u {user} mkdir -p {mount}/{name}; chown -R {user} {folder}; "
                f"systemd-run -q --uid={user} --unit=works-{name} -p TimeoutStopSec={ROUND_SECONDS} "
                f"python3 {PROGRAM} {mount}/{name} {folder}"
            )
        self.await_rounds()

    def await_rounds(self) -> None:
        """Wait until each work has ended so many more rounds. Raises HardwareError with the first error."""
        before = self._rounds()
        reached = until(partial(self._all_reached, before), ROUND_SECONDS, 2.0)
        if not reached:
            now = self._rounds()
            slow = [
                f"{work}: {now[work] - before[work]}"
                for work in _names()
                if now[work] < before[work] + ROUNDS
            ]
            raise HardwareError(f"fewer than {ROUNDS} rounds within {ROUND_SECONDS} s: {', '.join(slow)}")

    def stop(self) -> Counter[str]:
        """End the works after their rounds; the rounds of each. The mounts are taken away."""
        for name in VERSIONS:
            self._root(f"systemctl stop works-{name}; umount /mnt/works-{name}")
        return self._rounds()

    def repeated(self) -> int:
        """Renames that were done, and whose answer was lost with the server."""
        return sum("repeated" in line for lines in self._logs().values() for line in lines)

    def _all_reached(self, before: Counter[str]) -> bool:
        now = self._rounds()
        return all(now[work] >= before[work] + ROUNDS for work in _names())

    def _rounds(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for name, lines in self._logs().items():
            if errors := [f"{name} {line['work']}: {line['error']}" for line in lines if "error" in line]:
                raise HardwareError("; ".join(errors))
            counts.update(f"{name} {line['work']}" for line in lines if "round" in line)
        return counts

    def _logs(self) -> dict[str, list[dict[str, object]]]:
        logs = {name: self._root(f"cat {_FOLDER}/{name}/log || true") for name in VERSIONS}
        return {name: [json.loads(line) for line in text.splitlines()] for name, text in logs.items()}

    def _root(self, script: str) -> str:
        return self._lab.on(CLIENT, "sudo", "sh", "-ec", script)


def _names() -> list[str]:
    return [f"{name} {work}" for name in VERSIONS for work in WORKS]
