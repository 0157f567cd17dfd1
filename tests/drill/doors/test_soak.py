"""Drills that nobody chose: drawn from a seed, the operator killed in some."""

from __future__ import annotations

import pytest

from tests.drill.run_drill import drill

pytestmark = [pytest.mark.guests, pytest.mark.nightly]


def test_drills_drawn_from_a_seed_converge(tmp_path):
    code, told, text = drill(tmp_path / "lab", "--soak", "2", "--seed", "13")
    assert code == 0, text
    assert (told["done"], told["records_lost"], told["attached_twice"]) == (2, 0, 0)
    assert told["records_acknowledged"] > 40
