"""Finds and removes whatever a lab has left on this machine, however it ended."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from lab.hardware import network
from lab.hardware.network import namespace_file
from lab.system.errors import HardwareError
from lab.system.paths import RunDirectory
from lab.system.processes import arguments
from lab.system.programs import JOB_MARK, MODULES
from lab.system.waiting import until

TOOLS = ("qemu-system-x86_64", "tgtd", "dnsmasq")
DEADLINE_SECONDS = 10


def take_down(run: Path) -> None:
    """Leave no process, namespace, mount or loop device of the lab in `run`, nor its disks and volumes.

    Works on half-made labs and needs no file of theirs. Nothing there is success. Files in `run` that are not
    the hardware's stay. Raises HardwareError if something will not go.
    """
    lab = RunDirectory.of(run)
    _end_processes(lab)
    network.down(lab)
    for mount in reversed(mounts_below(lab.root)):
        _quietly("umount", "--lazy", str(mount))
    for device in loop_devices_below(lab.root):
        _quietly("losetup", "--detach", str(device))
    left = remains(run)
    if left:
        raise HardwareError(f"the lab in {lab.root} left behind, and would not remove: {'; '.join(left)}")
    _remove_files(lab)


def remains(run: Path) -> list[str]:
    """What of the lab in `run` is on this machine now, one line each: for take_down and for tests of it."""
    lab = RunDirectory.of(run)
    left = [f"process {pid}: {' '.join(arguments(pid))[:120]}" for pid in sorted(processes(lab))]
    if namespace_file(lab).exists():
        left.append(f"network namespace {lab.namespace}")
    left += [f"mount {mount}" for mount in mounts_below(lab.root)]
    left += [f"loop device {device}" for device in loop_devices_below(lab.root)]
    return left


def processes(lab: RunDirectory) -> set[int]:
    """The lab's own programs wherever they run, and whatever runs in its namespace; never this process."""
    numbers = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    ours = {pid for pid in numbers if is_of_lab(arguments(pid), lab.root)}
    return (ours | _inside_namespace(lab, numbers) | of_jobs(lab)) - {os.getpid()}


def of_jobs(lab: RunDirectory) -> set[int]:
    """What jobs have started: Terraform and whatever that starts, known by a mark in its environment."""
    mark = b"%s=%s/" % (JOB_MARK.encode(), os.fsencode(lab.jobs))
    pids = set()
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:  # gone, or another user's
            continue
        if any(word.startswith(mark) for word in words):
            pids.add(int(file.parent.name))
    return pids


def is_of_lab(argv: list[str], root: Path) -> bool:
    """Whether this is the command line of one of the lab's programs, started for the lab in `root`.

    An editor or a pager that has a file of the lab open is not.
    """
    if not argv or not any(_names(word, str(root)) for word in argv[1:]):
        return False
    module = argv[argv.index("-m") + 1 :][:1] if "-m" in argv else []
    starts_tool = Path(argv[0]).name in ("ip", "setsid", "sh") and any(word in TOOLS for word in argv)
    return Path(argv[0]).name in TOOLS or starts_tool or any(word in MODULES for word in module)


def _names(word: str, root: str) -> bool:
    """Whether `root` stands in `word` as a whole path or as the beginning of one."""
    before, separator, after = word.partition(root)
    return bool(separator) and after[:1] in ("", "/", ",") and before[-1:] in ("", "=")


def mounts_below(root: Path) -> list[Path]:
    """Mount points in or under `root`, in the order they were mounted."""
    points = [Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if point.is_relative_to(root)]


def loop_devices_below(root: Path) -> list[Path]:
    """Loop devices whose file is under `root`."""
    devices = []
    for entry in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            file = entry.read_text().strip()
        except OSError:  # detached since it was listed
            continue
        if Path(file).is_relative_to(root):
            devices.append(Path("/dev", entry.parent.parent.name))
    return devices


def _end_processes(lab: RunDirectory) -> None:
    def ended() -> bool:
        running = processes(lab)
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not running

    until(ended, DEADLINE_SECONDS)  # take_down names those that are left


def _inside_namespace(lab: RunDirectory, numbers: set[int]) -> set[int]:
    try:
        wanted = namespace_file(lab).stat()
    except OSError:
        return set()
    return {pid for pid in numbers if _network_of(pid) == (wanted.st_dev, wanted.st_ino)}


def _network_of(pid: int) -> tuple[int, int] | None:
    try:
        status = Path(f"/proc/{pid}/ns/net").stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _remove_files(lab: RunDirectory) -> None:
    for folder in (lab.guests, lab.images, lab.volumes, lab.dns, lab.tgtd, lab.stacks, lab.jobs):
        if folder.is_symlink() or folder.exists():
            shutil.rmtree(folder)
    lab.base.unlink(missing_ok=True)
    for file in lab.root.glob(f"{lab.volume_records.stem}.*"):
        file.unlink()


def _quietly(*argv: str) -> None:
    # whether it worked is judged by looking again, not by the exit code
    subprocess.run(argv, capture_output=True, check=False, timeout=DEADLINE_SECONDS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Remove what the lab in RUN left on this machine.")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN")
    try:
        take_down(parser.parse_args().run)
    except HardwareError as error:
        sys.exit(str(error))
