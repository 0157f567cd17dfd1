"""How old a volume's last backup may be."""

from datetime import datetime, timedelta

import pytest

from failover.preflight.check import Result
from failover.preflight.checks import backups
from tests.unit.failover.preflight.ground import NOW, complete


@pytest.mark.parametrize(
    ("newest", "outcome"),
    [
        (NOW - timedelta(days=6.9), Result.OK),
        (NOW - timedelta(days=7.1), Result.WARNING),
        (None, Result.WARNING),
    ],
)
def test_a_backup(newest: datetime | None, outcome: Result) -> None:
    found = backups.judge("bv1", newest, NOW, 7)
    assert found.outcome is outcome
    assert complete(found)
