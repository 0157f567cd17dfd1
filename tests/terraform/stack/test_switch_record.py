"""The stack's own record of who switched last: written with a switch, and by nothing else."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from failover.model import switch_record
from failover.stack import addresses, state
from tests import sources
from tests.terraform.conftest import MakeSite, MakeStack
from tests.terraform.sites.lab_cloud import LabCloud
from tests.terraform.sites.laid_stack import LaidStack, Variables

pytestmark = pytest.mark.checked(sources.RUN)

USER = "ocid1.user.oc1..aaaaexample"
TOLD = {"by": "root@operator", "at": "2026-11-22T03:14:15.5+00:00", "door": "cli"}


@pytest.fixture(scope="module")
def site(make_site: MakeSite, cloud: LabCloud) -> Variables:
    """Both servers exist and run: that a switch launches one, and is fenced, is told elsewhere."""
    site = {**make_site(), "fence": "storage"}
    site["servers"]["nfs-srv-2"] = {"instance_id": cloud.launch("nfs-srv-2-recorded")}
    return site


@pytest.fixture(scope="module")
def stack(site: Variables, make_stack: MakeStack) -> LaidStack:
    laid = make_stack(site)
    laid.apply()
    return laid


def record(stack: LaidStack) -> switch_record.Switched:

    found = state.switched(json.loads((stack.folder / "terraform.tfstate").read_text()))
    assert found
    return found


def test_1_the_first_apply_writes_it_and_the_next_plan_is_empty(stack: LaidStack) -> None:
    found = record(stack)
    assert (found.active, found.by, found.door) == ("nfs-srv-1", "unknown", "terraform")
    assert datetime.now(UTC) - found.at < timedelta(minutes=5)
    assert stack.is_settled()


def test_2_other_names_and_times_without_a_switch_change_nothing(stack: LaidStack) -> None:
    before = record(stack)
    assert stack.is_settled(switch=TOLD)
    assert stack.is_settled(current_user_ocid=USER)
    stack.apply(switch=TOLD)
    assert record(stack) == before


def test_3_a_switch_writes_who_when_and_which_door(stack: LaidStack) -> None:
    (stack.folder / "active.auto.tfvars").write_text('active_server = "nfs-srv-2"\n')
    assert stack.all_actions(switch=TOLD)[addresses.SWITCH_RECORD] == ["delete", "create"]
    stack.apply(switch=TOLD)
    at = datetime(2026, 11, 22, 3, 14, 15, 500_000, UTC)
    assert record(stack) == switch_record.Switched("nfs-srv-2", "root@operator", at, "cli")
    assert stack.is_settled()
    assert stack.is_settled(current_user_ocid=USER)


def test_4_a_console_user_who_passes_nothing_is_named_by_resource_manager(stack: LaidStack) -> None:
    (stack.folder / "active.auto.tfvars").write_text('active_server = "nfs-srv-1"\n')
    stack.apply(current_user_ocid=USER)
    found = record(stack)
    assert (found.active, found.by, found.door) == ("nfs-srv-1", USER, "console")
    assert stack.is_settled()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"at": "yesterday"}, "at in switch must be a moment"),
        ({"door": "window"}, "door in switch must be cli, gitops or console"),
        ({"by": ""}, "by in switch must name a person or a job"),
        ({"by": "a\nb"}, "by in switch must name a person or a job"),
    ],
)
def test_5_what_is_no_record_is_refused(stack: LaidStack, change: dict[str, str], expected: str) -> None:
    assert expected in stack.refusal(switch={**TOLD, **change})


def test_6_a_state_without_a_record_has_none() -> None:
    assert state.switched({}) is None
    assert state.switched({"resources": []}) is None
