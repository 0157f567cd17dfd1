"""`./inv bench --what status`: how long `./inv status` takes, with one client and with hundreds.

Terraform's state, the lab's API and SSH are real; the hosts are targets.py's, of one sshd. It runs
in a network namespace of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.clients import targets
from bench.clients.targets import EXPORT, MOUNT, Targets
from failover.hosts.host_keys import PinnedKeys
from lab.system.packages import ensure
from lab.system.paths import ROOT
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

TOOLS = {"sshd": "openssh-server", "ip": "iproute2", "unshare": "util-linux"}
RUNS = 5
LIMITS = {1: 2.0, 200: 5.0}  # seconds, by clients: what is to be reached on an idle machine
_INSIDE = "NFSFO_BENCH_INSIDE"


def main(sizes: str = "1,200") -> int:
    """Print a row for each number of clients. Needs root; installs the tools that are missing."""
    ensure(TOOLS)
    print("| clients | servers | wall s: each, median | operator's CPU s | the targets' | answers | wanted |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for count in sizes.split(","):
        argv = [sys.executable, "-m", "bench.clients.status", count]
        own = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *argv]
        done = subprocess.run(own, cwd=ROOT, env={**os.environ, _INSIDE: "1"}, check=False)
        if done.returncode:
            return done.returncode
    return 0


def measure(count: int) -> int:
    """One number of clients, in this network namespace: it must be one of the bench's own."""
    if os.environ.get(_INSIDE) != "1":
        print("start it by `./inv bench --what status`: it changes the network's settings", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="nfsfo-status-") as folder:
        base = Path(folder)
        hosts = targets.lay(base / "targets", count, 0.0, light=True)
        with whole_site(base) as site:
            _reachable(site, hosts)
            _status(site)  # the first one sends the hooks, once in a host's life
            before = hosts.cpu()
            looks = [_status(site) for _ in range(RUNS)]
            theirs = (_settled(hosts) - before) / RUNS
    walls = [seconds for seconds, _, _ in looks]
    cpu = statistics.median(used for _, used, _ in looks)
    sight = looks[-1][2]
    answered = sum(one["layers"] is not None for one in sight["clients"].values())
    servers = sum(one["presence"] == "answers" for one in sight["servers"].values())
    limit = f"under {LIMITS[count]:g} s" if count in LIMITS else "-"
    each = ", ".join(f"{one:.1f}" for one in walls)
    figures = f"{each}: **{statistics.median(walls):.1f}** | {cpu:.1f} | {theirs:.1f}"
    answers = f"{answered} clients, {servers} servers"
    print(f"| {count} | {len(sight['servers'])} | {figures} | {answers} | {limit} |", flush=True)
    return 0


def _settled(hosts: Targets) -> float:
    """The targets' processor seconds when the last login's processes have ended."""
    time.sleep(1.0)
    return hosts.cpu()


def _reachable(site: WholeSite, hosts: Targets) -> None:
    """Both servers exist and are targets too, and the site file names the clients and how to reach all."""
    servers = json.loads((site.stack.folder / "site.auto.tfvars.json").read_text())["servers"]
    servers[SECOND]["standby"] = True
    site.stack.change_site(servers=servers)
    site.stack.apply()
    public = " ".join((hosts.base / "host_key.pub").read_text().split()[:2])
    known = hosts.base / "known_hosts"
    for name, server in site.stack.output()["servers"].items():
        address = server["address"]
        subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)
        targets.lay_root(hosts.base, address)
        known.write_text(f"{known.read_text()}{address} {public}\n")
        if name != FIRST:
            keys = PinnedKeys(site.file.parent / "runs" / "known_hosts")
            keys.pin(address, site.instances()[name], (public,))
    before = site.file.read_text().partition("[ssh]")[0]
    ssh = [
        "[ssh]",
        'user = "root"',
        f'identity_file = "{hosts.key}"',
        f'config_file = "{hosts.config}"',
        f'known_hosts = "{known}"',
    ]
    mounts = f'mounts = [{{ path = "{EXPORT}", mount = "{MOUNT}" }}]'
    clients = [f'[[clients]]\nname = "cli-{n}"\naddress = "{a}"\n{mounts}' for n, a in enumerate(hosts.alive)]
    site.file.write_text(before + "\n".join([*ssh, *clients]) + "\n")


def _status(site: WholeSite) -> tuple[float, float, dict[str, Any]]:
    """Wall seconds, CPU seconds of the process and of all that it started, and the status as JSON."""
    before = os.times()
    start = time.monotonic()
    argv = [sys.executable, "-m", "invoke", "status", "--json", "--site", str(site.file)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds, after = time.monotonic() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    try:
        return seconds, cpu, json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise SystemExit(
            f"status ended without a result:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        ) from None


if __name__ == "__main__":
    sys.exit(measure(int(sys.argv[1])))
