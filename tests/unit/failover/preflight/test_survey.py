"""What the survey of a server means for preflight: refusals block, warnings warn, each with its remedy."""

from __future__ import annotations

from typing import Any, cast

import pytest

from failover.hosts import survey
from failover.model.host.hook_report import HookReport
from failover.model.outcome import Refused
from failover.model.stack_output import Stack, Volume
from failover.preflight.check import Check, CheckResult
from failover.preflight.checks.hosts import survey as survey_checks
from hooks.contract.result import HookResult as HooksResult
from hooks.contract.result import Layer

BV1 = Volume("bv1", "ocid1.volume.1", "ocid1.attachment.1", "ocid1.instance.1", "iqn.x", "169.254.2.2", 3260)
SPEC = {
    "volumes": [{"name": "bv1", "volume_id": "ocid1.volume.1"}],
    "volume_groups": [{"name": "vg1", "volumes": ["bv1"]}],
}
STACK = Stack("nfs-srv-1", "ocid1.compartment.c", {}, {"bv1": BV1}, SPEC)


def layer(
    state: str, refusals: tuple[str, ...] = (), warnings: tuple[str, ...] = (), said: str = ""
) -> Layer:
    return Layer("lvm", state, False, 0.0, said, {"refusals": list(refusals), "warnings": list(warnings)})


def answer(*layers: Layer, message: str = "") -> HookReport:
    return HookReport("nfs-srv-2", HooksResult("survey", "server", "n", True, False, 0.0, message, layers))


def judged(*layers: Layer) -> list[Check]:
    return list(survey_checks.judge(answer(*layers)))


class AnsweringSsh:
    name = "nfs-srv-2"


class Surveyed:
    """In the place of a HookRunner: it answers one survey, and notes what it was asked."""

    ssh = AnsweringSsh()

    def __init__(self, found: HookReport) -> None:
        self.found = found
        self.asked: list[tuple[str, Any, float]] = []

    def hooks(self, action: str, spec: Any, deadline_seconds: float) -> HookReport:
        self.asked.append((action, spec, deadline_seconds))
        return self.found


def test_a_refusal_blocks_and_its_last_part_is_the_remedy() -> None:
    (check,) = judged(
        layer("broken", refusals=("vg1: found a RAID; LV lv01, expected linear; lvconvert it",))
    )
    assert (check.outcome, check.name) == (CheckResult.BLOCKING, "survey of nfs-srv-2")
    assert check.actual == "lvm: vg1: found a RAID; LV lv01, expected linear"
    assert check.remedy == "lvconvert it"


def test_a_text_without_a_remedy_still_has_one() -> None:
    (check,) = judged(layer("broken", refusals=("vg1 is odd",)))
    assert (check.actual, check.remedy) == ("lvm: vg1 is odd", "mend that on nfs-srv-2")


def test_warnings_warn_and_stand_beside_refusals() -> None:
    found = judged(layer("broken", refusals=("a; b",), warnings=("c; d", "e; f")), layer("present"))
    assert [c.outcome for c in found] == [CheckResult.BLOCKING, CheckResult.WARNING, CheckResult.WARNING]


def test_what_could_not_be_learnt_warns_and_never_blocks() -> None:
    (check, *_) = judged(layer("unknown", said="`pvs` did not end within 60 s"))
    assert (check.outcome, check.actual) == (CheckResult.WARNING, "lvm: `pvs` did not end within 60 s")
    (none,) = survey_checks.judge(answer(message="run this as root"))
    assert (none.outcome, none.actual) == (CheckResult.WARNING, "run this as root")


def test_all_well_is_one_line() -> None:
    (check,) = judged(layer("present"), layer("present"))
    assert check.outcome is CheckResult.OK


def test_a_server_that_was_just_launched_refuses_before_anything_moves() -> None:
    host = Surveyed(answer(layer("broken", refusals=("nfs-server is masked; unmask it",))))
    with pytest.raises(Refused, match="nfs-srv-2 would refuse the volumes: nfs-server is masked; unmask it"):
        survey.refuse(cast(Any, host), STACK, {}, 300)
    assert [(action, seconds) for action, _, seconds in host.asked] == [("survey", survey.SECONDS)]
    survey.refuse(cast(Any, Surveyed(answer(layer("unknown"), layer("present")))), STACK, {}, 300)


def test_without_a_portal_there_is_no_question() -> None:
    bare = Volume("bv1", "ocid1.volume.1", None, None, None, None, None)
    host = Surveyed(answer())
    stack = Stack("nfs-srv-1", "c", {}, {"bv1": bare}, SPEC)
    survey.refuse(cast(Any, host), stack, {}, 300)
    assert host.asked == []


def knowing(host: str, **clients: list[str]) -> HookReport:
    facts = {"refusals": [], "warnings": [], "clients": clients}
    found = Layer("nfs", "present", False, 0.0, "", cast(Any, facts))
    return HookReport(host, HooksResult("survey", "server", "n", True, False, 0.0, "", (found,)))


def test_a_client_that_only_the_old_server_knows_by_name_blocks() -> None:
    old = knowing("nfs-srv-1", gpu1=["10.0.0.21"], gpu2=["10.0.0.22"], gone=[])
    new = knowing("nfs-srv-2", gpu1=["10.0.0.21"], gpu2=[], gone=[])
    (check,) = survey_checks.judge_names(old, new)
    assert (check.outcome, check.name) == (CheckResult.BLOCKING, "survey of nfs-srv-2")
    assert "gpu2, which has an address on nfs-srv-1 alone" in check.actual
    assert "/etc/hosts of nfs-srv-2" in check.remedy
    assert list(survey_checks.judge_names(None, new)) == []
    assert (
        list(survey_checks.judge_names(old, knowing("nfs-srv-2", gpu1=["10.9.9.9"], gpu2=["10.0.0.22"])))
        == []
    )


def owning(host: str, carried: bool, answering: tuple[str, ...], own: str) -> HookReport:
    facts = {"warnings": [], "carried": ["10.0.0.100"] if carried else [], "answering": list(answering)}
    found = Layer("address", "present", False, 0.0, "", cast(Any, {**facts, "own": [own]}))
    return HookReport(host, HooksResult("survey", "server", "n", True, False, 0.0, "", (found,)))


def test_another_host_that_answers_for_the_service_address_is_named_from_the_target() -> None:
    old = owning("nfs-srv-1", True, (), "02:00:00:00:00:01")

    def checks(old: HookReport | None, *answering: str) -> list[Check]:
        return list(
            survey_checks.judge_address(old, owning("nfs-srv-2", False, answering, "02:00:00:00:00:02"))
        )

    assert checks(old, "02:00:00:00:00:01") == checks(old) == checks(None) == []
    (check,) = checks(old, "02:00:00:00:00:01", "02:00:00:00:00:09")
    assert (check.outcome, check.name) == (CheckResult.WARNING, "survey of nfs-srv-2")
    assert check.actual == "address: 02:00:00:00:00:09 answers for the service address"
    assert "nfs-srv-1's own (02:00:00:00:00:01)" in check.expected
    (check,) = checks(None, "02:00:00:00:00:09")
    assert "no server carries it" in check.expected


def test_a_launched_server_is_compared_with_the_one_that_serves() -> None:
    old, new = knowing("nfs-srv-1", gpu2=["10.0.0.22"]), knowing("nfs-srv-2", gpu2=[])
    with pytest.raises(Refused, match="gpu2, which has an address on nfs-srv-1 alone"):
        survey.refuse(cast(Any, Surveyed(new)), STACK, {}, 300, lambda: old)
    survey.refuse(cast(Any, Surveyed(new)), STACK, {}, 300, lambda: None)


def test_the_server_that_serves_is_asked_only_where_a_name_is_unknown() -> None:
    asked: list[str] = []
    new = knowing("nfs-srv-2", gpu1=["10.0.0.21"])
    survey.refuse(cast(Any, Surveyed(new)), STACK, {}, 300, lambda: asked.append("nfs-srv-1"))
    assert asked == []
