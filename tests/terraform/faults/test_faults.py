"""Every API call of a failover against every kind of fault: how the run ends, what it says, what it leaves.

All is real but the hosts (doubles/hosts.py). For every row the run that meets the fault ends without a
traceback, nothing is ever attached twice or served twice, success is never claimed for what is not so, and
the same command with the fault cleared ends done. The rows are in rows.py, how they are met in
rehearsal.py; docs/faults.md shows the table to operators.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests import sources
from tests.terraform.faults import document
from tests.terraform.faults.kinds import READ_KINDS, operation_of
from tests.terraform.faults.rehearsal import SERVICE_IP, Met, begin, make_pool
from tests.terraform.faults.rows import ALTERING, ROWS, WITHOUT_STATES, Row
from tests.terraform.sites.whole_site import FIRST, SECOND, whole_site

pytestmark = pytest.mark.checked(sources.RUN)

DEADLINE_SECONDS = 1800.0
Rehearsed = dict[str, "Future[dict[str, Met]]"]


# where a run has changed nothing yet, or does without the call, they differ from another kind by words alone
ALIKE = ("409", "429", "capacity", "reset")


def _param(row: Row) -> ParameterSet:
    """The row; a nightly one where another kind shows the same of this call."""
    alike = row.kind in ALIKE and (row.harmless or row.dispensable)
    return pytest.param(row, marks=pytest.mark.nightly if alike else ())


@pytest.fixture(scope="module")
def rehearsed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rehearsed]:
    """What the chosen rows come to, as it becomes known."""
    params = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = [p.params["row"] for p in params if p and isinstance(p.params.get("row"), Row)]
    pool = make_pool()
    try:
        yield begin(chosen, tmp_path_factory.mktemp("faults"), pool)
    finally:
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("row", [_param(row) for row in ROWS], ids=lambda row: row.id)
def test_a_fault_ends_as_the_table_says(row: Row, rehearsed: Rehearsed) -> None:
    met = rehearsed[row.id].result(DEADLINE_SECONDS)[row.id]
    assert not met.wrong, "\n".join(met.wrong)
    end = row.end
    assert (met.outcome, met.left, met.serves) == (end.outcome, end.left, end.serves), met.reason
    assert re.search(end.says, met.reason), met.reason
    assert end.does in met.remedy, met.remedy


def test_the_table_has_every_call_that_a_run_makes(tmp_path: Path) -> None:
    """Launched, standing by and planned. A call that is new here needs its rows."""
    with whole_site(tmp_path, SERVICE_IP) as site:
        before = len(site.cloud.requests())
        for silent, target in (([FIRST], SECOND), ([SECOND], FIRST), ([], SECOND)):
            site.silence(*silent)
            report, said = site.fail_over(target)
            assert report.outcome.value == "done", said
        made = {operation_of(request) for request in site.cloud.requests()[before:]}
    assert made == {row.operation for row in ROWS}


def test_every_call_meets_every_kind_of_fault() -> None:
    met: dict[str, set[str]] = {}
    for row in ROWS:
        met.setdefault(row.operation, set()).add(row.kind)
    for operation, kinds in met.items():
        wanted = set(READ_KINDS)
        if operation in ALTERING:
            wanted |= {"lost"} if operation in WITHOUT_STATES else {"lost", "stuck", "unseen"}
        assert kinds >= wanted, operation
    assert "blind" in met["AttachVolume"]
    assert "denied" in met["DetachVolume"]
    assert set(ALTERING) <= set(met)


def test_the_document_shows_this_table() -> None:
    assert document.FILE.read_text() == document.with_table(document.FILE.read_text()), (
        f"the table has changed: rewrite it with `{document.COMMAND}`"
    )
