"""Whole drills on real guests through the other doors: an apply in the console alone, a pull request."""

from __future__ import annotations

import pytest

from tests.drill.run_drill import drill

pytestmark = pytest.mark.guests


def test_an_apply_in_the_console_alone_completes_the_takeover(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--door", "resource-manager")
    assert code == 0, text
    assert story["active"] == "nfs-srv-2"
    assert (story["records_lost"], story["second_plan_changes"], story["attached_twice"]) == (0, 0, 0)
    assert "apply job: SUCCEEDED" in text
    assert "the console of nfs-srv-2: nfs-failover: in service: ocid1.volumeattachment." in text
    assert "invoke" not in text, "no program of ours may be in the way"


def test_a_pull_request_moves_the_service(tmp_path):
    code, story, text = drill(tmp_path / "lab", "--door", "gitops", "--standby")
    assert code == 0, text
    assert story["active"] == "nfs-srv-2"
    assert (story["records_lost"], story["second_plan_changes"]) == (0, 0)
