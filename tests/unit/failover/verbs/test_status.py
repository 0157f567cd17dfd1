"""How long a look may wait: what is no number of seconds is refused before the site is read."""

from __future__ import annotations

import pytest

from failover.command.request import SiteChoice
from failover.model.outcome import Outcome
from failover.verbs import status

pytestmark = pytest.mark.own_rule


@pytest.mark.parametrize("wait", [0.0, -20.0, 3601.0, float("nan"), float("inf")])
def test_a_wait_that_is_none_is_refused(wait, capsys):
    code = status.main(SiteChoice("no-such-site.toml"), False, False, "", wait)
    assert code == Outcome.USAGE.exit_code
    assert f"--wait {wait:g}: expected seconds from 1 to 3600" in capsys.readouterr().err


@pytest.mark.parametrize("wait", [1.0, 20.0, 3600.0])
def test_with_another_one_the_site_is_read(wait, capsys):
    assert status.main(SiteChoice("no-such-site.toml"), False, False, "", wait) == Outcome.USAGE.exit_code
    assert "no-such-site.toml" in capsys.readouterr().err
