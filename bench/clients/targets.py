"""SSH targets by the thousand on one machine: one sshd for all of 127.0.0.0/8, a root for each address.

Runs in a network namespace of its own (bench/clients/bench.py makes it): nothing of the machine is reached,
and nothing of it is changed. Each target's hooks read and write below its own root; mount(8), umount(8),
stat(1) and systemctl(1) are shell scripts that change the target's own mount table.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from failover.bundle.zipapp import hooks_bytes

EXPORT, MOUNT = "/mnt/a", "/mnt/nfs/a"
OLD, NEW = "10.8.0.1", "10.8.0.2"  # the servers; the new one's port 2049 takes connections
_SILENT = "10.9"  # an interface that drops all: connections get no answer
_REFUSED, _HUNG = "127.7", "127.8"
_MOUNTINFO = (
    "21 1 0:20 / / rw - ext4 /dev/sda1 rw\n"
    f"40 21 0:40 / {MOUNT} rw - nfs4 nfs-srv-1:{EXPORT} rw,vers=4.2,hard,addr={OLD}\n"
)
_COMMAND = """\
#!/bin/sh
# what sshd runs for every command: the address that was connected to chooses the target
set -- $SSH_CONNECTION
case $3 in {hung}.*) exec sleep 3600 ;; esac
export HOME={base}/roots/$3/home NFSFO_ROOT={base}/roots/$3 PATH={base}/bin:$PATH
cd "$HOME" || exit 1
eval "$SSH_ORIGINAL_COMMAND"
"""
_SUDO = """\
#!/bin/sh
# sudo -n PYTHON HOOKS ACTION --spec -: the hooks below the target's root
case $* in
"-n "*".pyz "*) shift ;;
*) exit 64 ;;
esac
{run}
"""
_REAL = 'shift; exec /usr/bin/python3 {base}/driver.py "$@"'
_LIGHT = """\
read -r spec
exec cat {base}/answers/"$3"
"""
_DRIVER = """\
import os, sys, zipimport
archive = sys.argv[1]
main = zipimport.zipimporter(archive)
import importlib.util
spec = main.find_spec("__main__")
module = importlib.util.module_from_spec(spec)
module.__name__ = "packed"
exec(main.get_code("__main__"), module.__dict__)
module.unpack(main.get_data("hooks.bz2"))
from hooks.host import host
host.SBIN = {bin!r} + ":" + host.SBIN
from hooks import cli
sys.exit(cli.main(sys.argv[2:], os.environ["NFSFO_ROOT"]))
"""
_TOOLS = {
    "umount": f"sed -i '\\# {MOUNT} #d' $NFSFO_ROOT/proc/self/mountinfo",
    "mount": f"echo '41 21 0:41 / {MOUNT} rw - nfs4 nfs-srv-2:{EXPORT} rw,vers=4.2,hard,addr={NEW}' "
    ">> $NFSFO_ROOT/proc/self/mountinfo",
    "stat": "echo nfs",
    "systemctl": "exit 0",
}


@dataclass(frozen=True)
class Targets:
    """`alive` and `dead`: addresses. `config`: an ssh_config(5) for all of them, and `key` the login's."""

    base: Path
    alive: tuple[str, ...]
    dead: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """The dead ones stand among the others, as in a real list."""
        every = len(self.alive) // max(len(self.dead), 1)
        mixed = list(self.alive)
        for number, address in enumerate(self.dead):
            mixed.insert(number * (every + 1), address)
        return tuple(mixed)

    @property
    def config(self) -> Path:
        return self.base / "ssh_config"

    @property
    def key(self) -> Path:
        return self.base / "key"

    def cpu(self) -> float:
        """Processor seconds of all logins that have ended and of what they ran (proc(5): cutime, cstime)."""
        listener = (self.base / "sshd.pid").read_text().strip()
        words = Path(f"/proc/{listener}/stat").read_text().rpartition(")")[2].split()
        return (int(words[13]) + int(words[14])) / os.sysconf("SC_CLK_TCK")


def addresses(count: int, dead_percent: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """So many addresses: those that answer, and the dead ones: silent, refused and hung in turn."""
    bad = round(count * dead_percent / 100)
    kinds = (_SILENT, _REFUSED, _HUNG)
    dead = tuple(f"{kinds[n % 3]}.{n // 250}.{n % 250 + 1}" for n in range(bad))
    return tuple(f"127.1.{n // 250}.{n % 250 + 1}" for n in range(count - bad)), dead


def lay(base: Path, count: int, dead_percent: float, *, light: bool) -> Targets:
    """Every file of the targets, and the sshd. `light`: a target answers with what the hooks answered once.

    Only so the seconds of 1,000 starts of Python, which cost all tools the same, do not cover the difference.
    """
    alive, dead = addresses(count, dead_percent)
    laid = Targets(base, alive, dead)
    (base / "bin").mkdir(parents=True)
    _network()
    _keys(laid)
    _programs(base, light=False)
    for address in (*alive, *dead):
        lay_root(base, address)
    if light:
        _record(laid)
        _programs(base, light=True)
    _sshd(base)
    return laid


def lay_root(base: Path, address: str) -> None:
    """One target as before a failover: it has mounted the export from the old server, by fstab."""
    root = base / "roots" / address
    for folder in ("etc", "proc/self", "run", "home"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "etc/fstab").write_text(f"nfs-srv-1:{EXPORT} {MOUNT} nfs4 hard,_netdev 0 0\n")
    (root / "etc/hosts").write_text(f"{OLD} nfs-srv-1\n{NEW} nfs-srv-2\n")
    (root / "proc/self/mountinfo").write_text(_MOUNTINFO)


def spec(server: str) -> dict[str, object]:
    """What every target is asked: the spec that failover/hosts/specs.py makes for such a client."""
    names = [
        {"name": f"nfs-srv-{n}", "hostname": f"nfs-srv-{n}", "addresses": [a]}
        for n, a in enumerate((OLD, NEW), 1)
    ]
    return {
        "version": 1,
        "role": "client",
        "deadline_seconds": 30,
        "mode": "remount",
        "server": server,
        "servers": names,
        "service": [],
        "exports": [EXPORT],
        "root": None,
        "mounts": [{"path": EXPORT, "mount": MOUNT}],
    }


def _network() -> None:
    for argv in (
        "ip link set lo up",
        f"ip addr add {OLD}/32 dev lo",
        f"ip addr add {NEW}/32 dev lo",
        "ip tuntap add dev silent mode tun",
        "ip addr add 10.9.255.254/16 dev silent",
        "ip link set silent up",
    ):
        subprocess.run(argv.split(), check=True)
    serve = (
        f"import socket\ns=socket.create_server(('{NEW}',2049),backlog=4096)\nwhile 1: s.accept()[0].close()"
    )
    subprocess.Popen([sys.executable, "-c", serve])


def _keys(laid: Targets) -> None:
    for name in ("key", "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", laid.base / name], check=True)
    public = " ".join((laid.base / "host_key.pub").read_text().split()[:2])
    known = "".join(f"{address} {public}\n" for address in (*laid.alive, *laid.dead))
    (laid.base / "known_hosts").write_text(known)
    laid.config.write_text(
        f"Host {_REFUSED}.*\n  Port 1\n"
        f"Host *\n  User root\n  IdentityFile {laid.key}\n  IdentitiesOnly yes\n  BatchMode yes\n"
        f"  UserKnownHostsFile {laid.base}/known_hosts\n  StrictHostKeyChecking yes\n  ConnectTimeout 10\n"
    )


def _programs(base: Path, *, light: bool) -> None:
    run = (_LIGHT if light else _REAL).format(base=base)
    _executable(base / "command", _COMMAND.format(base=base, hung=_HUNG))
    _executable(base / "bin/sudo", _SUDO.format(run=run))
    for name, script in _TOOLS.items():
        _executable(base / "bin" / name, f"#!/bin/sh\n{script}\n")
    (base / "driver.py").write_text(_DRIVER.format(bin=str(base / "bin")))
    (base / "hooks.pyz").write_bytes(hooks_bytes())


def _executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _record(laid: Targets) -> None:
    """The real hooks' answers on one target: a check, and the step that follows it."""
    (laid.base / "answers").mkdir()
    root = laid.base / "roots" / laid.alive[0]
    for action in ("check", "apply"):
        line = (
            f"{shlex.quote(str(laid.base / 'bin/sudo'))} -n python3 {laid.base}/hooks.pyz {action} --spec -"
        )
        done = subprocess.run(
            ["sh", "-c", line],
            input=json.dumps(spec("nfs-srv-2")),
            capture_output=True,
            text=True,
            env={"NFSFO_ROOT": str(root), "PATH": "/usr/bin:/bin"},
            check=False,
        )
        if '"layers"' not in done.stdout:
            raise RuntimeError(f"the hooks on a target gave no answer: {done.stdout}{done.stderr}")
        (laid.base / "answers" / action).write_text(done.stdout)
    lay_root(laid.base, laid.alive[0])


def _plain_login_shell(base: Path) -> None:
    """root's shell is dash, in this mount namespace: bash(1) reads ~/.bashrc for each command of sshd's, and
    what an operator has there (version managers, prompts) would be measured with every tool."""
    lines = Path("/etc/passwd").read_text().splitlines()
    fields = [line.split(":") for line in lines]
    plain = "".join(":".join([*f[:-1], "/bin/sh"] if f[0] == "root" else f) + "\n" for f in fields)
    (base / "passwd").write_text(plain)
    subprocess.run(["mount", "--bind", base / "passwd", "/etc/passwd"], check=True)


def _sshd(base: Path) -> None:
    _plain_login_shell(base)
    Path("/run/sshd").mkdir(exist_ok=True)
    (base / "authorized").write_text((base / "key.pub").read_text())
    (base / "sshd_config").write_text(
        f"ListenAddress 0.0.0.0\nHostKey {base}/host_key\nAuthorizedKeysFile {base}/authorized\n"
        "StrictModes no\nPermitRootLogin prohibit-password\nUsePAM no\nUseDNS no\nMaxStartups 5000\n"
        "MaxSessions 10\nLogLevel ERROR\n"
        f"ForceCommand {base}/command\nPidFile {base}/sshd.pid\nSubsystem sftp internal-sftp\n"
    )
    # -r: no login starts sshd's program anew, a third of its cost; the targets' side is not what is measured
    argv: list[str | Path] = ["/usr/sbin/sshd", "-r", "-f", base / "sshd_config", "-E", base / "sshd.log"]
    subprocess.run(argv, check=True)
    time.sleep(0.5)
