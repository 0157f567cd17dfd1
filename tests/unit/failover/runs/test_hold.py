"""The file of a hold, and how long it may be: what is broken is named, and never taken for none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from failover.command.choices import checked_hold
from failover.model.outcome import Refused, Unknown, Usage
from failover.runs import hold
from failover.runs.hold import Hold

pytestmark = pytest.mark.own_rule

NOW = datetime(2026, 3, 14, 3, 0, tzinfo=UTC)
HELD = Hold("nfs-srv-1", "ocid1.instance.oc1..a", "nfs-srv-2", "run-1", 3600.0, NOW, ("v1", "v2"))


def test_it_is_read_as_it_was_written_and_ends_at_its_moment(tmp_path):
    assert hold.read(tmp_path) is None
    hold.write(tmp_path, HELD.renewed(NOW))
    found = hold.read(tmp_path)
    assert found == HELD.renewed(NOW)
    assert found.until == NOW + timedelta(hours=1)
    assert found.is_in_force(NOW + timedelta(minutes=59))
    assert not found.is_in_force(NOW + timedelta(minutes=60))
    assert found.moment == "2026-03-14 04:00:00 UTC"
    hold.remove(tmp_path)
    hold.remove(tmp_path)
    assert hold.read(tmp_path) is None


def test_only_the_held_server_is_refused_and_only_until_the_end(tmp_path):
    hold.write(tmp_path, HELD.renewed(NOW))
    with pytest.raises(Refused, match="nfs-srv-1 is held until 2026-03-14 04:00:00 UTC"):
        hold.refuse_held(tmp_path, "nfs-srv-1", NOW)
    hold.refuse_held(tmp_path, "nfs-srv-2", NOW)
    hold.refuse_held(tmp_path, "nfs-srv-1", NOW + timedelta(hours=1))


def test_a_rollback_needs_a_hold_that_has_not_ended(tmp_path):
    with pytest.raises(Refused, match="no server is held"):
        hold.to_roll_back(tmp_path, NOW)
    hold.write(tmp_path, HELD.renewed(NOW))
    assert hold.to_roll_back(tmp_path, NOW).server == "nfs-srv-1"
    with pytest.raises(Refused, match=r"the hold of nfs-srv-1 ended at 2026-03-14 04:00:00 UTC") as ended:
        hold.to_roll_back(tmp_path, NOW + timedelta(hours=2))
    assert "./inv failover --active nfs-srv-1" in ended.value.remedy


@pytest.mark.parametrize(
    "change",
    [
        {"until": "2026-03-14T03:00:00"},
        {"until": "tomorrow"},
        {"until": 7},
        {"seconds": "long"},
        {"seconds": -1},
        {"seconds": float("inf")},
        {"server": ""},
        {"server": None},
        {"volumes": []},
        {"volumes": "v1"},
        {"volumes": [1]},
    ],
)
def test_a_broken_file_is_named_and_is_not_no_hold(tmp_path, change):
    (tmp_path / hold.FILE).write_text(json.dumps({**HELD.document(), **change}))
    with pytest.raises(Unknown, match=r"hold\.json"):
        hold.read(tmp_path)
    with pytest.raises(Unknown, match="whether a server is held is not known"):
        hold.refuse_held(tmp_path, "nfs-srv-1", NOW)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"held"', "{}", "\x00\xff", "[" * 100_000])
def test_what_is_no_hold_at_all_is_named(tmp_path, text):
    (tmp_path / hold.FILE).write_text(text)
    with pytest.raises(Unknown, match=r"hold\.json"):
        hold.read(tmp_path)


def test_a_hold_is_given_in_hours_minutes_or_seconds():
    assert [checked_hold(x) for x in ("", "90s", "60m", "2h", "168h")] == [
        None,
        90.0,
        3600.0,
        7200.0,
        604800.0,
    ]


@pytest.mark.parametrize(
    "text", ["60", "0m", "-1h", "1d", "169h", "1.5h", "h", "60 m", " 60m", "60M", "1h30m", "٦٠m", "9999999s"]
)
def test_another_form_is_refused_with_the_form_that_is_expected(text):
    with pytest.raises(Usage, match=r"--hold .*expected 60m, 2h or the like"):
        checked_hold(text)
