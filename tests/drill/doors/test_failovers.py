"""Whole drills on real guests: the command line brings the service back, and home again."""

from __future__ import annotations

import pytest

from lab.hardware.teardown import remains
from tests.drill.run_drill import drill

pytestmark = pytest.mark.guests


@pytest.mark.parametrize("guests", ["debian", "ubuntu"])
@pytest.mark.nightly
def test_the_service_comes_back_on_a_server_launched_from_the_image(tmp_path, guests):
    run = tmp_path / "lab"
    code, story, text = drill(run, "--guests", guests)
    assert code == 0, text
    assert f"the image of {guests} guests" in text
    assert story["outcome"] == "done"
    assert story["active"] == "nfs-srv-2"
    assert story["records_acknowledged"] > 20
    assert story["records_lost"] == 0
    assert story["second_plan_changes"] == 0
    assert story["outage_seconds"] > 1
    names = [p["name"].strip() for p in story["phases"]]
    assert [n for n in names if n.startswith(("launch", "power-off", "switch", "take-over", "client"))]
    assert "outage as the client saw it" in text
    assert remains(run) == []
    assert not run.exists()


@pytest.mark.parametrize("guests", ["debian", "el9"])
@pytest.mark.nightly
def test_a_planned_switchover_and_the_way_home_lose_nothing(tmp_path, guests):
    """On el9 release, takeover and the clients' step are enforced; the drill fails for a denial."""
    code, story, text = drill(
        tmp_path / "lab", "--mode", "alive", "--standby", "--failback", "--guests", guests
    )
    assert code == 0, text
    assert f"the image of {guests} guests" in text
    assert [move["target"] for move in story["moves"]] == ["nfs-srv-2", "nfs-srv-1"]
    assert story["active"] == "nfs-srv-1"
    assert story["records_lost"] == 0
    # no client waits for what comes before the release or after its own step
    assert all(1 < move["outage_seconds"] < move["seconds"] for move in story["moves"])
    assert "release nfs-srv-1: done" in text
    assert "release nfs-srv-2: done" in text
    assert "power-off" not in text


@pytest.mark.parametrize("guests", ["debian", pytest.param("ubuntu", marks=pytest.mark.nightly)])
def test_a_server_that_goes_on_writing_unreached_is_fenced_and_cannot_come_back(tmp_path, guests):
    argv = ("--mode", "unreachable", "--standby", "--comeback", "--guests", guests)
    code, story, text = drill(tmp_path / "lab", *argv)
    assert code == 0, text
    assert f"the image of {guests} guests" in text
    assert "power-off nfs-srv-1: done" in text
    assert (story["records_lost"], story["attached_twice"]) == (0, 0)
    assert "comeback" in [p["name"] for p in story["phases"]]
