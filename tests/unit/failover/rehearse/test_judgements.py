"""What a rehearsal costs, whose a tag is, which answers are a refusal, and what is refused beforehand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from failover.cloud.acting import refusal
from failover.cloud.block_copies import BlockVolume
from failover.cloud.one_group import group_of, place_of
from failover.model.host.hook_report import HookReport
from failover.model.observation import Presence, ServerStatus
from failover.model.outcome import Failed, Refused, Unknown
from failover.model.stack_output import Server, Stack, Volume
from failover.rehearse import objections
from failover.rehearse.cost import cost_of
from failover.rehearse.tagging import TAG, Label, run_of, site_key
from hooks.contract.result import HookResult, Layer

NOW = datetime(2026, 11, 27, tzinfo=UTC)
ONE = BlockVolume("v1", "bv1", "AVAILABLE", "AD-1", 1024, 20, None, None, NOW)


def test_the_cost_is_in_units_of_a_price_list() -> None:
    first = "\n".join(cost_of("BM.Optimized3.36", [ONE, replace(ONE, vpus_per_gb=10)], None).lines())
    assert "one BM.Optimized3.36 for about 1.0 instance-hours" in first
    assert "2 cloned volumes, 2.00 TB at 10/20 VPU per GB" in first
    assert "2048 GB-hours" in first
    again = "\n".join(cost_of("", [ONE], 1800.0).lines())
    assert "no server" in again
    assert "512 GB-hours" in again


def test_a_tag_is_of_one_site_and_one_rehearsal() -> None:
    volumes = {name: Volume(name, name, None, None, None, None, None) for name in ("a", "b")}
    key = site_key(Stack("s", "c", {}, volumes, {}))
    assert key == site_key(Stack("t", "d", {}, dict(reversed(volumes.items())), {}))
    assert run_of(Label(key, "20261127").tags, key) == "20261127"
    assert run_of(Label("other", "20261127").tags, key) is None
    assert run_of({TAG: f"{key}/"}, key) is None
    assert run_of({}, key) is None


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "words"),
    [
        (400, "LimitExceeded", "volume-count", Failed, "service limit"),
        (400, "QuotaExceeded", "q", Failed, "quota"),
        (500, "InternalError", "Out of host capacity.", Failed, "stands by"),
        (500, "InternalError", "x", Unknown, "status"),
        (404, "NotAuthorizedOrNotFound", "x", Unknown, "docs/before.md"),
        (401, "NotAuthenticated", "x", Unknown, "clock"),
        (409, "Conflict", "name taken", Failed, "message names"),
        (429, "TooManyRequests", "x", Unknown, "status"),
    ],
)
def test_what_an_answer_means(status: int, code: str, message: str, kind: type, words: str) -> None:
    found = refusal("CreateVolumeGroup", status, code, message)
    assert isinstance(found, kind)
    assert words in found.remedy
    assert f"HTTP {status} {code}: {message}" in found.reason


def test_volumes_that_cannot_be_copied_at_one_moment_are_refused() -> None:
    assert (place_of([ONE, ONE]), group_of([ONE, ONE])) == ("AD-1", None)
    assert group_of([replace(ONE, group_id="g"), replace(ONE, group_id="g")]) == "g"
    with pytest.raises(Refused, match="AD-1 and AD-2"):
        place_of([ONE, replace(ONE, availability_domain="AD-2")])
    with pytest.raises(Refused, match="bv1 is RESTORING"):
        place_of([replace(ONE, state="RESTORING")])
    with pytest.raises(Refused, match="one volume group"):
        group_of([ONE, replace(ONE, group_id="g")])


def test_an_active_server_that_is_silent_or_broken_is_no_model() -> None:
    server = Server("nfs-srv-1", "nfs-srv-1", True, True, "i", "10.0.0.11")
    with pytest.raises(Refused, match="does not answer"):
        objections.refuse_unhealthy(ServerStatus(server, "RUNNING", Presence.SILENT))


def test_a_standby_with_volumes_of_the_site_is_refused() -> None:
    server = Server("nfs-srv-2", "nfs-srv-2", False, True, "i", "10.0.0.12")
    answers = ServerStatus(server, "RUNNING", Presence.ANSWERS)
    objections.refuse_standby(answers, holds=False)
    with pytest.raises(Refused, match="holds volumes"):
        objections.refuse_standby(answers, holds=True)
    with pytest.raises(Refused, match="STOPPED"):
        objections.refuse_standby(ServerStatus(server, "STOPPED"), holds=False)


@pytest.mark.parametrize(("layer", "refused"), [("lvm", True), ("filesystem", True), ("iscsi", False)])
def test_only_a_fault_that_clones_would_have_is_refused(layer: str, refused: bool) -> None:
    names = ("iscsi", "lvm", "filesystem", "nfs")
    states = {name: "broken" if name == layer else "present" for name in names}
    layers = tuple(Layer(name, state, False, 0.0, "vg1 lacks a PV", {}) for name, state in states.items())
    answer = HookReport("nfs-srv-1", HookResult("check", "server", "s", True, False, 0.0, "", layers))
    server = Server("nfs-srv-1", "nfs-srv-1", True, True, "i", "10.0.0.11")
    status = ServerStatus(server, "RUNNING", Presence.ANSWERS, answer)
    if refused:
        with pytest.raises(Refused, match=f"{layer} broken: vg1 lacks a PV"):
            objections.refuse_unhealthy(status)
    else:
        objections.refuse_unhealthy(status)
