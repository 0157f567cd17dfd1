"""`invoke image` on the real Terraform, SDK and API, killed at every event. Hosts are doubles."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import oci
import pytest
from rich.console import Console

from failover.cloud.imaging import Imaging
from failover.image import take as product
from failover.image.plan import ImageRequest
from failover.model.outcome import Failed, Outcome, Refused, Usage
from failover.ports import opened
from failover.preflight import verb_policies
from failover.preflight.checks.image import DRIFT
from failover.runs import history
from failover.runs.events import Event
from failover.runs.journal import Journal
from failover.stack.terraform import TerraformStack
from failover.verbs import site_file as sites
from lab.site.stack import VARIABLES_FILE
from tests import sources
from tests.terraform.doubles.hosts import AnsweringHost
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.RUN)

TAG = "nfs-failover-image"
STEPS = (
    *("boot guard", "clone the boot volume", "boot the clone", "the copy's guard", "shut it down"),
    *("take the image", "terminate the copy", "name it to Terraform"),
)
EVENTS = 2 + 2 * len(STEPS)


class Killed(BaseException):
    """The end of a process: no `except` of the product sees it."""


@dataclass
class Imaged:
    """The site, and the verb on it."""

    site: WholeSite

    def take(self, **request: Any) -> tuple[str, str]:
        """The image's OCID, and all that was said."""
        loaded = sites.load(str(self.site.file))
        said = io.StringIO()
        console = Console(file=said, soft_wrap=True, highlight=False, width=200)
        double = functools.partial(AnsweringHost, self.site.model)
        with (
            mock.patch("failover.hosts.hook_runner.SshHost", double),
            opened(loaded, TerraformStack(loaded)) as ports,
        ):
            image_id = product.take(ImageRequest(yes=True, **request), ports, console)
        return image_id, said.getvalue()

    def tagged(self, kind: str) -> list[dict[str, Any]]:
        bodies = self.site.model.bodies(f"kind = '{kind}'")
        gone = ("TERMINATED", "TERMINATING", "DELETED")
        return [b for b in bodies if TAG in (b["freeformTags"] or {}) and b["lifecycleState"] not in gone]

    def left(self) -> list[str]:
        return [b["displayName"] for kind in ("instance", "bootvolume") for b in self.tagged(kind)]

    def images(self) -> list[str]:
        return [b["id"] for b in self.tagged("image")]

    def written(self) -> str:
        site = json.loads((self.site.stack.folder / VARIABLES_FILE).read_text())
        return str(site["servers"][SECOND]["image_id"])

    def run(self) -> str:
        return sorted((self.site.file.parent / "runs" / "image").glob("*/journal.jsonl"))[-1].parent.name

    def journal(self) -> list[dict[str, Any]]:
        text = (self.site.file.parent / "runs" / "image" / self.run() / "journal.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def imaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imaged]:
    with whole_site(tmp_path_factory.mktemp("image")) as made:
        yield Imaged(made)


def test_an_image_is_taken_beside_the_service_and_named_to_terraform(imaged: Imaged) -> None:
    before = len(imaged.site.cloud.requests())
    image_id, said = imaged.take(name="golden")
    assert imaged.written() == image_id
    called = {one["operation"] for one in imaged.site.cloud.requests()[before:]}
    # those that are left delete what there is none of yet: a surplus image, a clone without an instance
    assert called == verb_policies.VERBS["image"] - {"DeleteImage", "DeleteBootVolume"}
    assert f'-      "image_id": "{imaged.site.cloud.facts["base_image_id"]}"' in said
    assert imaged.left() == []
    (image,) = imaged.tagged("image")
    assert image["displayName"] == "golden"
    assert image["freeformTags"] == {
        TAG: imaged.run(),
        f"{TAG}-of": imaged.site.first,
        f"{TAG}-kernel": "5.15.0",
        f"{TAG}-packages": "0" * 64 + " 500",
        f"{TAG}-versions": "lvm2=2.03.14",
        f"{TAG}-files": f"exports={'0' * 12} keys=",
        f"{TAG}-hooks": image["freeformTags"][f"{TAG}-hooks"],
        f"{TAG}-site": FIRST,
    }
    assert imaged.site.serving() == FIRST
    imaged.site.assert_never_double()
    events = imaged.journal()
    assert [one["step"] for one in events if one["event"] == Event.STEP_DONE] == list(STEPS)
    assert len(events) == EVENTS
    with pytest.raises(Refused, match="an image named golden is there already"):
        imaged.take(name="golden")


def test_preflight_compares_the_image_with_the_server_of_today(imaged: Imaged) -> None:
    def look() -> tuple[str, str]:
        report = imaged.site.look()
        (check,) = (one for one in report.checks if one.name == DRIFT)
        assert report.outcome is Outcome.DONE, report
        return check.outcome.value, check.actual

    assert "was not made by `invoke image`: not known whether it has" in look()[1]
    imaged.take(name="compared", keep=1000)
    imaged.site.stack.apply()
    assert look() == ("ok", f"compared has what {FIRST} has")
    with imaged.site.model.open() as model:
        model["contents"] = {"kernel": "5.16.0"}
    assert look() == ("warning", f"compared lacks of {FIRST}: kernel 5.16.0: the image has 5.15.0")
    kept = history.read(imaged.site.file.parent / "runs").latest(history.Kind.PREFLIGHT)
    assert kept is not None
    assert (kept.facts["image"]["id"], kept.facts["image"]["outcome"]) == (imaged.written(), "warning")
    with imaged.site.model.open() as model:
        model.pop("contents")


@pytest.mark.parametrize("number", range(1, EVENTS + 1))
def test_killed_at_an_event_the_next_call_goes_on_and_leaves_nothing(
    imaged: Imaged, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = imaged.images()
    written, count = Journal.write, 0

    def killing(journal: Journal, event: Event, **details: Any) -> None:
        nonlocal count
        written(journal, event, **details)
        count += 1
        if count == number:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "write", killing)
        with pytest.raises(Killed):
            imaged.take(keep=1000)
    assert imaged.site.serving() == FIRST
    image_id, said = imaged.take(keep=1000)
    if number < EVENTS:
        assert "was cut off in: " in said
    assert imaged.left() == []
    assert imaged.written() == image_id
    made = set(imaged.images()) - set(before)
    assert image_id in made
    assert len(made) == (1 if number < EVENTS else 2)
    imaged.site.assert_never_double()


def test_killed_while_oci_takes_the_image_the_next_call_waits_for_that_image(
    imaged: Imaged, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, awaited = imaged.images(), Imaging.await_image

    def killed(calls: Imaging, image_id: str, seconds: float) -> None:
        raise Killed

    def watched(calls: Imaging, image_id: str, seconds: float) -> None:
        assert calls.image(image_id).state == "PROVISIONING"
        imaged.site.cloud.clear_faults()
        awaited(calls, image_id, seconds)

    imaged.site.cloud.inject(operation="CreateImage", stuck=True)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(Imaging, "await_image", killed)
            with pytest.raises(Killed):
                imaged.take(keep=1000)
            patched.setattr(Imaging, "await_image", watched)
            image_id, said = imaged.take(keep=1000)
    finally:
        imaged.site.cloud.clear_faults()
    assert "wait for image" in said
    assert set(imaged.images()) - set(before) == {image_id}
    assert (imaged.left(), imaged.written()) == ([], image_id)


def test_the_surplus_is_deleted_and_never_what_terraform_or_another_tool_has(imaged: Imaged) -> None:
    by_hand = imaged.site.cloud.compute.create_image(
        oci.core.models.CreateImageDetails(
            compartment_id=imaged.site.cloud.facts["compartment_id"],
            instance_id=imaged.site.cloud.launch("by-hand"),
            display_name="by hand",
        )
    ).data.id
    imaged.take(keep=1000)
    imaged.take(keep=1000)
    named = imaged.written()
    image_id, said = imaged.take(keep=1)
    living = {
        b["id"] for b in imaged.site.model.bodies("kind = 'image'") if b["lifecycleState"] == "AVAILABLE"
    }
    assert image_id in living
    assert by_hand in {b["id"] for b in imaged.site.model.bodies("kind = 'image'")}
    # what Terraform named when the run began is kept: the next run no longer finds it named
    assert named in living
    assert {b["id"] for b in imaged.tagged("image") if b["lifecycleState"] == "AVAILABLE"} == {
        named,
        image_id,
    }
    assert "is deleted" in said


@pytest.mark.parametrize(
    ("operation", "step"),
    [
        ("CreateBootVolume", "clone the boot volume"),
        ("LaunchInstance", "boot the clone"),
        ("CreateImage", "take the image"),
    ],
)
def test_a_step_that_the_cloud_refuses_leaves_nothing_behind(
    imaged: Imaged, operation: str, step: str
) -> None:
    before, named = imaged.images(), imaged.written()
    imaged.site.cloud.inject(operation=operation, refusal="the hardware failed")
    try:
        with pytest.raises(Failed, match=r"is (FAULTY|TERMINATED|DELETED), expected"):
            imaged.take(keep=1000)
    finally:
        imaged.site.cloud.clear_faults()
    assert imaged.left() == []
    assert (imaged.images(), imaged.written()) == (before, named)
    events = imaged.journal()
    assert next(one["step"] for one in events if one["event"] == Event.STEP_FAILED) == step
    assert events[-1]["event"] == Event.RUN_ENDED


def test_a_second_image_within_20_minutes_is_refused_with_the_remedy(imaged: Imaged) -> None:
    imaged.site.cloud.inject(operation="CreateImage", status=409, code="Conflict")
    try:
        with pytest.raises(Refused, match="being imaged, or was within 20 minutes"):
            imaged.take(keep=1000)
    finally:
        imaged.site.cloud.clear_faults()
    assert imaged.left() == []


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"server": "nfs-srv-9"}, "'nfs-srv-9' is not a server of this stack"),
        ({"server": SECOND}, "has no instance"),
        ({"successor": FIRST}, "is not a server that this stack launches"),
        ({"keep": 0}, "--keep 0: expected 1 or more"),
        ({"name": "a/b"}, "--name 'a/b'"),
    ],
)
def test_a_request_that_cannot_be_met_is_named(imaged: Imaged, request_: dict[str, Any], words: str) -> None:
    before = imaged.images()
    with pytest.raises(Usage, match=words):
        imaged.take(**request_)
    assert imaged.images() == before


def test_a_server_that_does_not_run_is_refused(imaged: Imaged) -> None:
    cloud, first = imaged.site.cloud, imaged.site.first
    cloud.compute.instance_action(first, "STOP")
    oci.wait_until(cloud.compute, cloud.compute.get_instance(first), "lifecycle_state", "STOPPED")
    with pytest.raises(Refused, match="is STOPPED, expected RUNNING"):
        imaged.take()
