"""Nodes of a real Slurm are resumed once their clients were brought over: slurmctld, slurmd, on loopback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.system.packages import ensure
from lab.system.waiting import until
from tests.terraform.flow.test_clients_verb import do, several
from tests.terraform.sites.whole_site import SECOND

# nightly, and as root: it installs Slurm's packages
pytestmark = [pytest.mark.guests, pytest.mark.nightly, pytest.mark.own_rule]

TOOLS = {"slurmctld": "slurmctld", "slurmd": "slurmd", "scontrol": "slurm-client", "sinfo": "slurm-client"}
NODES = ("gpu-001", "gpu-002", "gpu-003", "cpu-900")
PORT = 16817
MOUNT = "NHC: check_fs_mount:  /mnt/nfs/a not mounted"
CONFIGURATION = """
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
SwitchType=switch/none
MpiDefault=none
PartitionName=all Nodes=ALL Default=YES State=UP
"""


@contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """A controller and a slurmd for each node; they end with the block."""
    ensure(TOOLS)
    text = CONFIGURATION.format(port=PORT, folder=folder)
    for number, name in enumerate(NODES, PORT + 1):
        text += f"NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={number} CPUs=1\n"
    (folder / "state").mkdir(parents=True)
    (folder / "slurm.conf").write_text(text)
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    quiet = subprocess.DEVNULL
    running: list[subprocess.Popen[bytes]] = []
    try:
        for argv in (["slurmctld", "-D"], *(["slurmd", "-D", "-N", name] for name in NODES)):
            running.append(subprocess.Popen(argv, stdin=quiet, stdout=quiet, stderr=quiet))
        assert until(lambda: sorted(states().values()) == ["idle"] * len(NODES), 120, 1), states()
        yield
    finally:
        for process in running[::-1]:
            process.terminate()
            process.wait(60)
        del os.environ["SLURM_CONF"]


def states() -> dict[str, str]:
    """By node."""
    done = subprocess.run(["sinfo", "-h", "-N", "-o", "%N %T"], capture_output=True, text=True, check=False)
    return {line.split()[0]: line.split()[1].rstrip("*") for line in done.stdout.splitlines()}


def drain(name: str, reason: str) -> None:
    subprocess.run(["scontrol", "update", f"nodename={name}", "state=drain", f"reason={reason}"], check=True)


def test_nodes_that_a_mount_had_drained_are_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with slurm(tmp_path / "slurm"), several(tmp_path) as site:
        drain("gpu-001", MOUNT)
        drain("gpu-002", "GPU 3 fell off the bus")
        drain("gpu-003", MOUNT)
        drain("cpu-900", MOUNT)
        site.silence("gpu-003")
        report, said = site.fail_over(SECOND)
        assert report.outcome.exit_code == 6, said
        capsys.readouterr()
        assert set(states().values()) == {"drained"}

        code, said = do(site, "run", capsys, resume_slurm="yes")
        assert code == 6, said
        assert states() == dict.fromkeys(NODES, "drained") | {"gpu-001": "idle"}, said
        assert "slurm: resumed gpu-001" in said
        assert "gpu-002: drained since" in said
        assert "(GPU 3 fell off the bus): not a mount's reason" in said

        site.silence()
        code, said = do(site, "run", capsys, resume_slurm="yes", nodes="gpu-003")
        assert code == 0, said
        assert states() == {"gpu-001": "idle", "gpu-003": "idle", "gpu-002": "drained", "cpu-900": "drained"}

        drain("gpu-001", MOUNT)  # anew: no run has mended that
        code, said = do(site, "run", capsys, resume_slurm="yes")
        assert code == 0, said
        assert states()["gpu-001"] == "drained"
        assert "it was brought over before" in said
