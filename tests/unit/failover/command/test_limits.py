"""The limits of a site that prechecks judge by."""

from pathlib import Path

import pytest

from failover.command.site_file import parse as parse_site
from failover.model.outcome import Usage


def test_the_objectives_of_a_site(tmp_path: Path) -> None:
    objectives = parse_site({"objectives": {"outage_seconds": 900}}, tmp_path / "site.toml").objectives
    assert (objectives.outage_seconds, objectives.image_days) == (900.0, None)
    for wrong in (
        {"outage_seconds": "soon"},
        {"preflight_days": 0},
        {"image_age": 3},
        {"rehearsal_days": True},
    ):
        with pytest.raises(Usage, match="objectives"):
            parse_site({"objectives": wrong}, tmp_path / "site.toml")


def test_the_limits_of_a_site(tmp_path: Path) -> None:
    limits = parse_site({"preflight": {"image_age_days": 30}}, tmp_path / "site.toml").preflight
    assert (limits.image_age_days, limits.backup_age_days) == (30.0, 7.0)
    for wrong in ({"image_age_days": "soon"}, {"image_age_days": 0}, {"image_days": 3}):
        with pytest.raises(Usage, match="preflight"):
            parse_site({"preflight": wrong}, tmp_path / "site.toml")
