"""The failover of a site built by hand against the lab's own: means, and what is promised of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bench import sites
from bench.sites import BY_HAND, OWN, MeasuredFailover, ratio


def made(site: str, seconds: float, hooks: float) -> MeasuredFailover:
    return MeasuredFailover(site, seconds, seconds - 5, hooks, 3 * hooks, 2.0)


def test_the_ratio_is_that_of_the_means() -> None:
    rows = [made(OWN, 40, 2), made(BY_HAND, 50, 2), made(OWN, 60, 2), made(BY_HAND, 55, 3)]
    assert ratio(rows, "seconds") == pytest.approx(1.05)
    assert ratio(rows, "hooks") == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("seconds", "hooks", "code"), [(42.0, 2.1, 0), (42.1, 2.0, 1), (40.0, 2.2, 1), (30.0, 1.0, 0)]
)
def test_more_than_five_percent_of_either_is_too_much(
    seconds: float,
    hooks: float,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows: Iterator[MeasuredFailover] = iter([made(OWN, 40, 2), made(BY_HAND, seconds, hooks)] * 2)
    sequence: list[str] = []

    def measured(site: str, _: object) -> MeasuredFailover:
        sequence.append(site)
        return next(rows)

    monkeypatch.setattr(sites, "_failover", measured)
    assert sites.main(2) == code
    assert sequence == [OWN, BY_HAND] * 2, "in turn: a slow minute of the machine slows both"
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [row["site"] for row in printed] == sequence
