"""A holder whose power cannot be cut: nothing is detached, unless the detach is said to be the fence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from failover.model.outcome import Outcome
from failover.report import archive
from failover.report.conclusions import left_to_do
from tests import sources
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.RUN)


@pytest.fixture
def site(tmp_path) -> Iterator[WholeSite]:
    with whole_site(tmp_path) as made:
        made.silence(FIRST)
        made.cloud.inject(operation="InstanceAction", status=404, code="NotAuthorizedOrNotFound", count=0)
        yield made


def test_the_detach_is_the_fence_only_when_the_operator_says_so(site: WholeSite) -> None:
    report, said = site.fail_over(SECOND)
    assert report.outcome is Outcome.UNKNOWN, said
    assert "HTTP 404" in report.reason
    assert site.left() == f"ATTACHED {FIRST}"

    report, said = site.fail_over(SECOND, unplanned=True)
    assert report.outcome is Outcome.DONE, said
    assert f"cut-off {FIRST}: done" in said
    assert report.folder
    left = left_to_do(archive.load(report.folder))
    assert any(line.startswith(f"Power {FIRST} off before anything else: power off is not") for line in left)
    assert any("not proven off" in note and "stale data" in note for note in report.notes)
    assert site.holders() == {name: [f"ATTACHED {SECOND}"] for name in site.volumes}
    assert site.serving() == SECOND
    with site.model.open() as model:  # the one thing that this is for, and nothing else
        assert model["violations"] == [f"volumes were taken from {FIRST} while it served them"]
