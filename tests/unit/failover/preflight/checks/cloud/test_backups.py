"""How old a volume's last backup may be."""

from datetime import datetime, timedelta

import pytest

from failover.preflight.check import CheckResult
from failover.preflight.checks.cloud import backups
from tests.unit.failover.preflight.ground import NOW, complete


@pytest.mark.parametrize(
    ("newest", "outcome"),
    [
        (NOW - timedelta(days=6.9), CheckResult.OK),
        (NOW - timedelta(days=7.1), CheckResult.WARNING),
        (None, CheckResult.WARNING),
    ],
)
def test_a_backup(newest: datetime | None, outcome: CheckResult) -> None:
    found = backups.judge("bv1", newest, NOW, 7)
    assert found.outcome is outcome
    assert complete(found)
