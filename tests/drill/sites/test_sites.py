"""Sites that others built, by hand: adopted as they are, killed, recovered, brought home, nothing lost.

What each host's fstab must be is in lab/site/shapes/expected; a drill compares it byte for byte, and fails on
any difference.
"""

from __future__ import annotations

import pytest

from tests.drill.run_drill import drill

pytestmark = [pytest.mark.guests, pytest.mark.nightly]


def recovered(tmp_path, site: str, *argv: str) -> str:
    code, story, text = drill(tmp_path / "lab", "--site", site, *argv)
    assert code == 0, text
    assert story["outcome"] == "done"
    assert [move["target"] for move in story["moves"]] == ["nfs-srv-2", "nfs-srv-1"]
    assert (story["records_lost"], story["second_plan_changes"], story["attached_twice"]) == (0, 0, 0)
    assert story["records_acknowledged"] > 20
    assert len(story["fstabs"]) >= 8, story["fstabs"]
    return text


def test_the_tutorials_site_comes_back_and_goes_home(tmp_path):
    """A line by label, with a slash at its end and without nofail; clients by NFS 3 and an address."""
    recovered(tmp_path, "tutorial", "--standby", "--failback")


def test_the_same_site_on_32_volumes(tmp_path):
    recovered(tmp_path, "tutorial-32", "--standby", "--failback")


@pytest.mark.parametrize("site", ["tip", "oci-nfs", "oci-hpc"])
def test_a_hand_built_site_comes_back_and_goes_home(tmp_path, site):
    recovered(tmp_path, site, "--standby", "--failback")


@pytest.mark.parametrize("site", ["tip", "tutorial", "oci-nfs", "oci-hpc"])
def test_a_planned_switchover_takes_a_site_s_own_lines_out_and_puts_them_back(tmp_path, site):
    assert "release nfs-srv-1: done" in recovered(
        tmp_path, site, "--mode", "alive", "--failback", "--standby"
    )
