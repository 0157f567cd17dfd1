"""A server and a client on one directory, with real files in it; plain enough for Python 3.6.

What /proc says of mounts is foretold, and so is dmesg. Run as a program, it plays a round of refresh, probe
and damage: that is how old Pythons are tested.
"""

# ruff: noqa: UP006, UP035, UP045, PTH118, PTH123, PTH211

import json
import os
import sys
import tempfile
from typing import Any, Dict, List, Optional

from hooks.contract.parse import parse
from hooks.contract.result import ABSENT, BROKEN, PRESENT, Layer
from hooks.contract.spec import Spec
from hooks.probe import canary
from tests.unit.hooks.scripted_host import PlannedHost, fixture

SERVER = "88 22 253:0 / /mnt/a rw,relatime - xfs /dev/mapper/vg1-lv01 rw\n"
CLIENT = "90 22 0:45 / /mnt/nfs/a rw,relatime - nfs4 nfs-srv-2:/mnt/a rw,hard\n"
ROOT = "22 1 254:0 / / rw - ext4 /dev/root rw\n"
EXPORTED = "/mnt/a  10.0.0.0/16(sync,wdelay,hide,fsid=1,mountpoint,sec=sys,rw,root_squash)\n"
CANARIES = "/mnt/a/.nfs-failover"


class DataHost(PlannedHost):
    """`lies_on`: id of the mount that every open folder lies on (fdinfo's mnt_id)."""

    def __init__(
        self, root: str, mounts: str, lies_on: int, dmesg: str = "", exported: str = EXPORTED
    ) -> None:
        said = {"run": "dmesg", "out": dmesg}
        change = {
            "files": {"/dev/dm-0": "", "/proc/self/mountinfo": ROOT + mounts},
            "links": {"/dev/vg1/lv01": "../dm-0"},
            "directories": ["/mnt/a", "/mnt/nfs"],
            "commands": [said, said, {"run": "exportfs -s", "out": exported}],
            "unordered": True,
        }
        PlannedHost.__init__(self, root, change)
        if not os.path.lexists(self.path("/mnt/nfs/a")):
            os.symlink("../a", self.path("/mnt/nfs/a"))  # the client's view of the same data
        self.lies_on = lies_on

    def read(self, name: str) -> Optional[str]:
        if name.startswith("/proc/self/fdinfo/"):
            return f"pos:\t0\nflags:\t02300000\nmnt_id:\t{self.lies_on}\n"
        return PlannedHost.read(self, name)


def server(root: str, lies_on: int = 88, **said: str) -> DataHost:
    return DataHost(root, SERVER, lies_on, **said)


def client(root: str, lies_on: int = 90) -> DataHost:
    return DataHost(root, CLIENT, lies_on)


def spec(role: str, **changes: Any) -> Spec:
    found: Dict[str, Any] = dict(json.loads(fixture(role + "-spec.json")), **changes)
    if role == "server" and "exports" not in changes:
        writer = f"rw,sync,root_squash,anonuid={os.geteuid()}"  # so that no test needs to be root
        found["exports"] = [{"path": "/mnt/a", "clients": ["10.0.0.0/16"], "options": writer}]
    return parse(json.dumps(found))


def serves(*_: object) -> List[Layer]:
    """In the place of walk.check: all is as specified."""
    return [Layer("nfs", PRESENT, False, 0.0, "", {})]


def flip(path: str) -> None:
    """Another first byte, behind everybody's back."""
    with open(path, "r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))


def play(root: str) -> None:
    canary.walk.check = serves
    (written,) = canary.refresh(server(root), spec("server"), ())
    (read, _) = canary.probe(server(root), spec("server"), ())
    assert (written.state, read.state) == (PRESENT, PRESENT), (written, read)
    assert written.facts["manifest"] == read.facts["manifest"]
    (over_nfs,) = canary.probe(client(root), spec("client"), ())
    assert over_nfs.state == PRESENT, over_nfs
    assert over_nfs.facts == {"manifest": read.facts["manifest"], "write": "written"}
    flip(os.path.join(root, CANARIES[1:], "canary-3"))
    for host_of, role in ((server, "server"), (client, "client")):
        damaged = canary.probe(host_of(root), spec(role), ())[0]
        assert (damaged.state, "canary-3: found" in damaged.message) == (BROKEN, True), damaged
    (refused,) = canary.refresh(server(root), spec("server"), ())
    assert refused.state == BROKEN, refused
    with tempfile.TemporaryDirectory() as other:
        (nothing, _) = canary.probe(server(other), spec("server"), ())
        assert (nothing.state, nothing.facts) == (ABSENT, {"manifest": None})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        play(folder)
    print("played on " + sys.version.split()[0])
