"""The limits of a site that prechecks judge by."""

from pathlib import Path

import pytest

from failover.model.outcome import Usage
from failover.verbs.site_file import parse as parse_site


def test_the_limits_of_a_site(tmp_path: Path) -> None:
    limits = parse_site({"preflight": {"image_age_days": 30}}, tmp_path / "site.toml").preflight
    assert (limits.image_age_days, limits.backup_age_days) == (30.0, 7.0)
    for wrong in ({"image_age_days": "soon"}, {"image_age_days": 0}, {"image_days": 3}):
        with pytest.raises(Usage, match="preflight"):
            parse_site({"preflight": wrong}, tmp_path / "site.toml")
