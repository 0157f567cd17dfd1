"""`./inv bench --what clients`: the product's client check and client step beside pdsh, clush and ansible."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.clients import targets
from bench.clients.targets import Targets
from failover.bundle.zipapp import hooks_bytes
from lab.system.packages import ensure
from lab.system.paths import ROOT

TOOLS = {
    "sshd": "openssh-server",
    "ip": "iproute2",
    "unshare": "util-linux",
    "pdsh": "pdsh",
    "clush": "clustershell",
    "ansible": "ansible-core",
}
SECONDS = 30  # a host's deadline, for every tool
FAN_OUT = 64
_INSIDE = "NFSFO_BENCH_INSIDE"
_ANSIBLE = (
    "[defaults]\nhost_key_checking = True\nforks = {forks}\ntimeout = 10\n"
    "[ssh_connection]\npipelining = True\n"
)


@dataclass(frozen=True)
class Measured:
    """One tool's run. `seconds` of wall time, `cpu` seconds and `mib` of the operator's side alone."""

    tool: str
    what: str
    seconds: float
    cpu: float
    mib: float
    note: str = ""


def main(
    sizes: str = "50,200",
    dead: float = 0.0,
    tools: str = "product,pdsh,clush,ansible",
    light: bool = True,
) -> int:
    """Print a table for each size. Needs root; installs the tools that are missing (Debian's packages).

    `dead`: so many of 100 targets are silent, refuse, or hang after the login. `light`: lay() says what.
    """
    ensure(TOOLS)
    for count in sizes.split(","):
        argv = [sys.executable, "-m", "bench.clients.bench", count, str(dead), tools, str(int(light))]
        own = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *argv]
        done = subprocess.run(own, cwd=ROOT, env={**os.environ, _INSIDE: "1"}, check=False)
        if done.returncode:
            return done.returncode
    return 0


def measure(count: int, dead: float, tools: list[str], *, light: bool) -> int:
    """One size, in this network namespace: it must be one of the bench's own."""
    if os.environ.get(_INSIDE) != "1":
        print("start it by `./inv bench --what clients`: it changes the network's settings", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="nfsfo-clients-") as folder:
        laid = targets.lay(Path(folder), count, dead, light=light)
        (laid.base / "targets").write_text("\n".join(laid.all))
        how = "recorded answers" if light else "real hooks"
        print(f"\n{count} targets, {len(laid.dead)} of them dead, {how}")
        print("| tool | what | wall s | operator's CPU s | peak MiB | |\n|---|---|---|---|---|---|")
        for tool in tools:
            for one in _TOOLS[tool](laid):
                figures = f"{one.seconds:.1f} | {one.cpu:.1f} | {one.mib:.0f}"
                print(f"| {one.tool} | {one.what} | {figures} | {one.note} |", flush=True)
    return 0


class _Watch:
    """The most memory that a process and all of its children had together, looked at twice a second."""

    def __init__(self, pid: int) -> None:
        self.mib = 0.0
        self._pid, self._ended = pid, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._ended.set()
        self._thread.join()
        return self.mib

    def _look(self) -> None:
        while not self._ended.wait(0.5):
            self.mib = max(self.mib, sum(_pss(pid) for pid in _family(self._pid)))


def _family(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(words[1]), []).append(int(stat.parent.name))
    pids = [pid]
    for one in pids:
        pids += parents.get(one, [])
    return pids


def _pss(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:")), 0.0)


def _run(tool: str, what: str, argv: list[str], laid: Targets, **environment: str) -> tuple[Measured, str]:
    start = time.monotonic()
    before = os.times()
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=laid.base,
        env={**os.environ, **environment},
    )
    watch = _Watch(process.pid)
    out, _ = process.communicate()
    seconds, after = time.monotonic() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(tool, what, seconds, cpu, watch.stop()), out


def _product(laid: Targets) -> list[Measured]:
    argv = [sys.executable, "-m", "bench.clients.product", str(laid.base)]
    whole, out = _run("product", "all", argv, laid, PYTHONPATH=str(ROOT))
    try:
        figures: dict[str, Any] = json.loads(out.splitlines()[-1])
    except (ValueError, IndexError):
        raise SystemExit(f"the product ended without a result:\n{out[-3000:]}") from None
    names = {"first": "send the hooks, check", "again": "check", "step": "client step"}
    note = f"{figures['reached']} checked, {figures['done']} brought over"
    for reason, count in figures["not_reached"].items():
        print(f"not reached, {count}: {reason}", file=sys.stderr)
    rows = [
        Measured(
            "product",
            text,
            figures[key]["seconds"],
            figures[key]["cpu"],
            whole.mib,
            note if key == "step" else "",
        )
        for key, text in names.items()
    ]
    return [*rows, Measured("product", "process, start to end", whole.seconds, whole.cpu, whole.mib)]


def _remote(laid: Targets, action: str) -> str:
    """The same command as the product's, with the spec in it: these tools give hosts no standard input."""
    given = base64.b64encode(json.dumps(targets.spec("nfs-srv-2")).encode()).decode()
    _hooks(laid)
    return f"echo {given} | base64 -d | sudo -n python3 .nfs-failover/hooks.pyz {action} --spec -"


def _hooks(laid: Targets) -> None:
    for address in laid.alive:
        folder = laid.base / "roots" / address / "home/.nfs-failover"
        folder.mkdir(exist_ok=True)
        (folder / "hooks.pyz").write_bytes(hooks_bytes())


def _both(laid: Targets, tool: str, argv: list[str], **environment: str) -> list[Measured]:
    rows = []
    for action, what in (("check", "check"), ("apply", "client step")):
        for address in laid.alive:
            targets.lay_root(laid.base, address)
        command = _remote(laid, action)
        one, out = _run(tool, what, [*argv, command], laid, **environment)
        answered = out.count('layers\\"') + out.count('"layers"')
        rows.append(Measured(one.tool, one.what, one.seconds, one.cpu, one.mib, f"{answered} answers"))
    return rows


def _pdsh(laid: Targets) -> list[Measured]:
    arguments = f"-2 -a -x -F {laid.config} %h"
    argv = [
        "pdsh",
        "-R",
        "ssh",
        "-f",
        str(FAN_OUT),
        "-t",
        "10",
        "-u",
        str(SECONDS),
        "-w",
        f"^{laid.base}/targets",
    ]
    return _both(laid, "pdsh", argv, PDSH_SSH_ARGS=arguments)


def _clush(laid: Targets) -> list[Measured]:
    argv = ["clush", "-q", "-f", str(FAN_OUT), "-t", "10", "-u", str(SECONDS), "-o", f"-F {laid.config}"]
    return _both(laid, "clush", [*argv, "--hostfile", str(laid.base / "targets")])


def _ansible(laid: Targets) -> list[Measured]:
    (laid.base / "ansible.cfg").write_text(_ANSIBLE.format(forks=FAN_OUT))
    (laid.base / "hosts.ini").write_text(
        "\n".join(laid.all) + "\n[all:vars]\nansible_python_interpreter=/usr/bin/python3\n"
    )
    argv = ["ansible", "all", "-i", "hosts.ini", "-m", "shell", "--task-timeout", str(SECONDS)]
    argv += ["--ssh-common-args", f"-F {shlex.quote(str(laid.config))}", "-a"]
    return _both(laid, "ansible", argv, ANSIBLE_CONFIG=str(laid.base / "ansible.cfg"))


_TOOLS = {"product": _product, "pdsh": _pdsh, "clush": _clush, "ansible": _ansible}

if __name__ == "__main__":
    chosen, bad, named, recorded = sys.argv[1:5]
    sys.exit(measure(int(chosen), float(bad), named.split(","), light=recorded == "1"))
