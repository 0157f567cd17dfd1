"""A session that comes back by itself, as after a start of iscsid, is no dead one."""

from pathlib import Path

import pytest

from hooks import walk
from hooks.contract.parse import parse
from hooks.contract.result import Layer
from tests.unit.hooks.scripted_host import Case, PlannedHost, cases, fixture

STATE = "/sys/class/iscsi_session/session3/state"
STARTED = "iscsi: iscsid does not run: it is started, and no live session is touched"


class Recovering(PlannedHost):
    """bv1's session is logged in again after `seconds`."""

    def __init__(self, root: str, case: Case, seconds: float) -> None:
        super().__init__(root, case)
        self.change({"files": {STATE: "FREE\n"}})
        self._back = seconds

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.clock >= self._back:
            self.change({"files": {STATE: "LOGGED_IN\n"}})


def applied(path: Path, seconds: float) -> Layer:
    host = Recovering(str(path), cases()[STARTED], seconds)
    layer = walk.apply(host, parse(fixture("server-spec.json")), ["iscsi"])[0]
    host.finish()
    return layer


def test_a_session_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    layer = applied(tmp_path, 3.0)
    assert layer.state == "present"
    assert "bv1 is logged in again" in layer.message


def test_one_that_stays_away_is_ended_and_made_anew(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"ran `iscsiadm -m session -r 3 -u`"):
        applied(tmp_path, 60.0)
