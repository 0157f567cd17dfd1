"""Guests shaped like production's: a whole failover on each kind, and what only such a guest can show."""

from __future__ import annotations

import pytest

from tests.drill.run_drill import drill

pytestmark = pytest.mark.guests


def test_a_failover_on_guests_shaped_like_ubuntu(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--standby", "--guests", "ubuntu")
    assert code == 0, text
    assert "the image of ubuntu guests" in text
    assert (story["active"], story["records_lost"]) == ("nfs-srv-2", 0)
