"""One name for each word: an event or an address written out elsewhere could be misspelt without a sign."""

import pytest

from failover.plan.model import Step, StepKind, split_name
from failover.runs.events import Event
from failover.stack import addresses
from tests.paths import ROOT

EVENTS = ROOT / "failover" / "runs" / "events.py"
ADDRESSES = ROOT / "failover" / "stack" / "addresses.py"
CODE = {path: path.read_text() for path in sorted((ROOT / "failover").rglob("*.py"))}


@pytest.mark.parametrize("event", [e for e in Event if e is not Event.VERIFIED])  # that is a word, too
def test_an_event_is_written_out_in_one_module(event: Event) -> None:
    assert [path for path, text in CODE.items() if f'"{event}"' in text] == [EVENTS]


@pytest.mark.parametrize("resource", [addresses.ATTACHMENT, addresses.INSTANCE, addresses.SERVICE_ADDRESS])
def test_an_address_is_written_out_in_one_module(resource: str) -> None:
    assert [path for path, text in CODE.items() if resource in text] == [ADDRESSES]


def test_an_address_names_its_volume_or_its_server() -> None:
    assert addresses.volume_of(addresses.attachment("bv1")) == "bv1"
    assert addresses.server_of(addresses.instance("nfs-srv-2")) == "nfs-srv-2"
    assert addresses.server_of(addresses.attachment("bv1")) is None
    assert addresses.volume_of(addresses.SWITCH_RECORD) is None


@pytest.mark.parametrize("kind", StepKind)
def test_a_step_s_name_says_its_kind_and_its_subject(kind: StepKind) -> None:
    assert split_name(Step(kind, "nfs-srv-2", "").name) == (kind, "nfs-srv-2")


@pytest.mark.parametrize("name", ["observe", "verify", "release", "dance nfs-srv-2"])
def test_a_bar_that_is_no_step_has_no_kind(name: str) -> None:
    assert split_name(name) == (None, "")
