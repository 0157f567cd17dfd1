"""No process on a client sees an error, and no byte is wrong, while the service moves and comes home.

A power cut, a server that hangs, and both ways home as planned switchovers, under works on mounts of NFSv3
without locks, v4.0 and v4.2 by the service's address.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from lab.drill.lock_moves import keep_locks, leave_names
from lab.drill.operator import Operator
from lab.drill.workloads import GUESTS, VERSIONS, WORKS, Workloads
from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES, SERVER, SUCCESSOR
from tests.drill.conftest import brought_up

pytestmark = [pytest.mark.guests, pytest.mark.nightly]

DELEGATIONS = "grep -h 'type: deleg' /proc/fs/nfsd/clients/*/states | wc -l"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """As most drills' lab; its guests have Git."""
    with brought_up(tmp_path, standby=True, guests=GUESTS) as made:
        yield made


def test_no_process_sees_an_error(lab: Lab) -> None:
    operator = Operator(lab.site_file, Console(), print)
    keep_locks(lab, operator)
    leave_names(lab, operator)
    works = Workloads(lab)
    works.start()
    assert int(lab.on(SERVER, "sudo", "sh", "-c", DELEGATIONS)) > 0, "nothing was delegated"
    for target, happens in ((SUCCESSOR, lab.crash), (SERVER, None), (SUCCESSOR, lab.freeze), (SERVER, None)):
        if happens:
            happens(SERVER)
            lab.access.forget(ADDRESSES[SERVER])
        report, code = operator.report("failover", "--active", target, "--yes")
        assert code == 0, report
        works.await_rounds()
    rounds = works.stop()
    assert set(rounds) == {f"{name} {work}" for name in VERSIONS for work in WORKS}
    assert works.repeated() <= 2, "one for each server that died, at most"
