"""Which processors a lab's processes run on: the serving side on one of its own, as on OCI, or all on all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lab.hardware.guests import Guest
from lab.site.lab import Lab
from lab.site.nfs_site import CLIENT, SERVER
from lab.system.errors import HardwareError
from lab.system.processes import arguments, pid_of

_FIRST = -20  # sched(7), the autogroup feature: a nice value for a session


class Cores:
    """The first processor is for the server, its client and the volumes; the last one for the lab's others.

    The others: the API, Terraform's provider, the operator, and every guest that the API starts from now on,
    since processes have their parent's processors (sched_setaffinity(2)). Other work of the machine may
    run on both; the serving side goes first.
    """

    def __init__(self, lab: Lab) -> None:
        """Raises HardwareError on a machine with one processor."""
        self._lab = lab
        self._all = sorted(os.sched_getaffinity(0))
        if len(self._all) < 2:
            raise HardwareError("servers cannot have a processor of their own: this machine has one")

    def separate(self) -> None:
        """Each side on its own."""
        production = self._production()
        _place(self._of_lab() - production, self._all[-1])
        _place(production, self._all[0])
        _weigh(production, _FIRST)

    def together(self) -> None:
        """Everything on all of them."""
        _place(self._of_lab(), *self._all)
        _weigh(self._production(), 0)

    def _production(self) -> set[int]:
        """Raises HardwareError where one of them does not run."""
        folder = self._lab.directory.tgtd
        pids = {name: Guest(self._lab.directory, self._lab.instance(name)).pid() for name in (SERVER, CLIENT)}
        pids["the volume service"] = pid_of(folder / "pid", str(folder / "pid"))
        if missing := [name for name, pid in pids.items() if pid is None]:
            raise HardwareError(f"not running: {', '.join(missing)}")
        return {pid for pid in pids.values() if pid is not None}

    def _of_lab(self) -> set[int]:
        """This process, and all that have the lab's directory in their arguments."""
        mark = str(self._lab.run)
        pids = (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
        return {os.getpid(), *(pid for pid in pids if any(mark in word for word in arguments(pid)))}


def _place(pids: Iterable[int], *cores: int) -> None:
    for pid in pids:
        with suppress(OSError):  # it has ended meanwhile
            for task in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    os.sched_setaffinity(int(task.name), cores)


def _weigh(pids: Iterable[int], nice: int) -> None:
    """Each is a session of its own. A kernel without autogroups has no such file."""
    for pid in pids:
        with suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(nice))
