"""A held server on real guests: nothing but `rollback` touches it, and then it serves again, whole."""

from __future__ import annotations

import pytest
from rich.console import Console

from failover.runs import history
from lab.drill.operator import Operator
from lab.drill.proof import Proof
from lab.drill.result import DrillResult, Switchover
from lab.drill.writer_record import Witness
from lab.site.lab import Lab
from lab.site.nfs_site import SERVER, SUCCESSOR

pytestmark = [pytest.mark.guests, pytest.mark.nightly]


def looked_at(lab: Lab, witness: Witness, target: str) -> None:
    """Client, records, server, attachments and a second plan, without the operator's side."""
    story = DrillResult()
    Proof(lab, witness, story, target).check(Switchover(target), None)
    assert story.missing == []
    assert story.records_lost == 0


def is_off(lab: Lab, server: str) -> bool:
    state = lab.api.compute_client().get_instance(lab.instance(server)).data.lifecycle_state
    return bool(state == "STOPPED")


def test_the_service_goes_back_to_the_server_that_was_held(lab):
    operator, witness = Operator(lab.site_file, Console(), print), Witness(lab.access, lab.shape.path)
    witness.await_records(5)
    lab.crash(SERVER)
    report, code = operator.report("failover", "--active", SUCCESSOR, "--yes", "--hold", "60m")
    assert (report["outcome"], code) == ("done", 0), report
    looked_at(lab, witness, SUCCESSOR)
    report, code = operator.report("failover", "--active", SERVER, "--yes")
    assert (report["outcome"], code) == ("refused", 3), report
    assert "held until" in report["reason"], report
    _, code = operator.run("reprotect", "--yes")
    assert code == 3
    assert is_off(lab, SERVER), "a verb touched the held server"

    witness.go_on()
    report, code = operator.report("rollback", "--yes")
    assert (report["outcome"], code) == ("done", 0), report
    looked_at(lab, witness, SERVER)
    assert not (lab.site_file.parent / "runs" / "hold.json").exists()
    holds = [one for one in history.read(lab.site_file.parent / "runs").entries if one.kind == "hold"]
    assert len(holds) == 2, holds
    report, code = operator.report("failover", "--active", SERVER, "--yes")
    assert (report["outcome"], code) == ("nothing-to-do", 0), report
