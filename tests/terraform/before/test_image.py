"""`invoke image` on the real Terraform, SDK and API, killed at every event. Hosts are doubles."""

from __future__ import annotations

import functools
import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import oci
import pytest
from rich.console import Console

from failover.cloud.compute import Cloud
from failover.cloud.imaging import Imaging
from failover.command import site_file as sites
from failover.image import take as product
from failover.image.plan import ImageRequest
from failover.image.quiesce import Quiescing
from failover.model.outcome import Failed, Outcome, Refused, Unknown, Usage
from failover.ports import opened
from failover.preflight.checks.cloud.image import DRIFT
from failover.runs import history
from failover.runs.events import Event
from failover.stack.terraform import TerraformStack
from lab.site.stack import VARIABLES_FILE
from tests import sources, verb_policies
from tests.paths import ROOT
from tests.terraform.doubles.hosts import AnsweringHost
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.TERRAFORM)

TAG = "nfs-failover-image"
STEPS = (
    *("boot guard", "clone the boot volume", "boot the clone", "the copy's guard", "shut it down"),
    *("take the image", "terminate the copy", "name it to Terraform"),
)
EVENTS = 2 + 2 * len(STEPS)
QUIET_STEPS = (
    *("boot guard", "arm the server", "stop the service", "begin the image"),
    *("wait until the server is captured", "bring the service back", "disarm the server"),
    *("wait for the image", "name it to Terraform"),
)
QUIET_EVENTS = 2 + 2 * len(QUIET_STEPS)


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
        gone = ("TERMINATED", "DELETED")
        return [b for b in bodies if TAG in (b["freeformTags"] or {}) and b["lifecycleState"] not in gone]

    def left(self) -> list[str]:
        return [b["displayName"] for kind in ("instance", "bootvolume") for b in self.tagged(kind)]

    def images(self) -> list[str]:
        return [b["id"] for b in self.tagged("image")]

    def written(self) -> str:
        site = json.loads((self.site.stack.folder / VARIABLES_FILE).read_text())
        return str(site["servers"][SECOND]["image_id"])

    def past(self) -> list[history.Entry]:
        """The images of the site's history."""
        entries = history.read(self.site.file.parent / "runs").entries
        return [one for one in entries if one.kind == history.Kind.IMAGE]

    def forget(self) -> None:
        """The site has no history."""
        (self.site.file.parent / "runs" / history.FILE).unlink()

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

    variables = imaged.site.stack.folder / VARIABLES_FILE
    base = imaged.site.cloud.facts["base_image_id"]
    variables.write_text(variables.read_text().replace(imaged.written(), base))
    assert "was not made by `invoke image`: not known whether it has" in look()[1]
    imaged.take(name="compared", keep=1000)
    assert look() == ("ok", f"compared has what {FIRST} has"), "the next apply launches from it"
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


@pytest.fixture(scope="module")
def mortal(imaged: Imaged) -> Iterator[Callable[..., None]]:
    """An image whose process dies by SIGKILL when the event of this number is on disk."""
    site = imaged.site
    where = [str(site.file), str(site.model.file.parent), str(site.cloud.run / "cloud.db")]
    words = [sys.executable, "-m", "tests.terraform.sites.killed_image", *where]
    log = site.file.parent / "killed.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True
        )

    def kill_at(number: int, how: str = "") -> None:
        process.stdin.write(f"{number} {how}\n")
        process.stdin.flush()
        assert process.stdout.readline().strip() == str(-signal.SIGKILL), log.read_text()

    yield kill_at
    process.communicate(timeout=60)


@pytest.mark.parametrize("number", range(1, EVENTS + 1))
def test_killed_at_an_event_the_next_call_goes_on_and_leaves_nothing(
    imaged: Imaged, mortal: Callable[..., None], number: int
) -> None:
    before = imaged.images()
    mortal(number)
    assert imaged.site.serving() == FIRST
    image_id, said = imaged.take(keep=1000)
    if number < EVENTS:
        assert "was cut off in: " in said
        assert imaged.past()[-2].facts["reason"].startswith("cut off in: ")
    assert imaged.left() == []
    assert imaged.written() == image_id
    made = set(imaged.images()) - set(before)
    assert image_id in made
    assert len(made) == (1 if number < EVENTS else 2)
    imaged.site.assert_never_double()


@pytest.mark.parametrize("number", range(1, QUIET_EVENTS - 3))  # the last ones are those of any image
def test_killed_at_an_event_of_an_outage_the_service_is_back_with_the_next_call(
    imaged: Imaged, mortal: Callable[..., None], number: int
) -> None:
    before = imaged.images()
    mortal(number, "quiesce")
    with imaged.site.model.open() as model:
        served, armed = bool(model["serving"]), model.get("armed", False)
    assert served or armed, "the service is away, and nobody brings it back"
    by_itself = armed and not served and number % 2 == 0  # else the next call is there first
    if by_itself:
        imaged.site.model.come_back(FIRST, imaged.site.first, "boot")
    image_id, said = imaged.take(keep=1000)
    assert imaged.site.serving() == FIRST
    with imaged.site.model.open() as model:
        assert not model.get("armed")
    assert f"the service of {FIRST} is back" in said
    why = imaged.past()[-2].facts["restored"]["why"]
    assert why == ("boot" if by_itself else "this call")
    assert imaged.left() == []
    assert len(set(imaged.images()) - set(before)) == 1
    assert image_id in imaged.images()
    imaged.site.assert_never_double()


def cut_off_in(
    imaged: Imaged,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    wait: tuple[type, str],
    look: Callable[..., None],
) -> tuple[str, str]:
    """A call that dies in this wait for what OCI does not end; then the same again, which looks and ends it.

    What `take` of the second call gives.
    """
    awaited = getattr(*wait)

    def killed(*_: Any) -> None:
        raise SystemExit  # no `except` of the product sees it

    def watched(*arguments: Any) -> Any:
        look(*arguments)
        imaged.site.cloud.clear_faults()
        return awaited(*arguments)

    imaged.site.cloud.inject(operation=operation, stuck=True)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(*wait, killed)
            with pytest.raises(SystemExit):
                imaged.take(keep=1000)
            patched.setattr(*wait, watched)
            return imaged.take(keep=1000)
    finally:
        imaged.site.cloud.clear_faults()


def test_killed_while_oci_takes_the_image_the_next_call_waits_for_that_image(
    imaged: Imaged, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = imaged.images()

    def look(calls: Imaging, image_id: str, seconds: float) -> None:
        assert calls.image(image_id).state == "PROVISIONING"

    image_id, said = cut_off_in(imaged, monkeypatch, "CreateImage", (Imaging, "await_image"), look)
    assert "wait for image" in said
    assert set(imaged.images()) - set(before) == {image_id}
    assert (imaged.left(), imaged.written()) == ([], image_id)


def test_killed_while_the_copy_ends_the_next_call_waits_and_touches_no_boot_volume_of_it(
    imaged: Imaged, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(imaged.site.cloud.requests())

    def look(*_: Any) -> None:
        assert imaged.left() == [f"nfs-failover-image-{FIRST}"] * 2, "the copy and its boot volume"

    cut_off_in(imaged, monkeypatch, "TerminateInstance", (Cloud, "await_ended"), look)
    assert imaged.left() == []
    assert "DeleteBootVolume" not in {one["operation"] for one in imaged.site.cloud.requests()[before:]}


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
    imaged.site.stack.apply()  # the state names it as well, and no image of an earlier test
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


def test_with_the_service_stopped_the_server_itself_is_imaged_and_serves_again(imaged: Imaged) -> None:
    before = len(imaged.site.cloud.requests())
    imaged.site.cloud.inject(operation="CreateImage", delay=0.3)  # a quick machine's outage rounds to 0
    image_id, said = imaged.take(name="at rest", quiesce=True, keep=1000)
    assert imaged.site.serving() == FIRST
    assert imaged.written() == image_id
    (image,) = [one for one in imaged.tagged("image") if one["id"] == image_id]
    assert image["freeformTags"][f"{TAG}-of"] == imaged.site.first
    called = {one["operation"] for one in imaged.site.cloud.requests()[before:]}
    assert "CreateImage" in called
    assert called <= verb_policies.VERBS["image"]
    assert not {"CreateBootVolume", "LaunchInstance", "TerminateInstance"} & called
    done = [one["step"] for one in imaged.journal() if one["event"] == Event.STEP_DONE]
    assert done == list(QUIET_STEPS)
    assert "outage: not measured here yet" in said
    assert "2 clients wait for it" in said
    assert "nfs-cli, 10.0.0.77 (seen by the server)" in said
    assert said.index("2 clients wait") < said.index("boot guard: ")
    assert imaged.past()[-1].facts["outage_seconds"] >= 0.3
    with pytest.raises(Refused, match=r"itself was taken 0 minutes ago; OCI takes none within 20 minutes"):
        imaged.take(quiesce=True, keep=1000)
    assert imaged.site.serving() == FIRST
    imaged.forget()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 409, "code": "Conflict"}, "being imaged, or was within 20 minutes; the service is back"),
        ({"status": 404, "code": "NotAuthorizedOrNotFound"}, "HTTP 404 .*; the service is back"),
        ({"refusal": "the hardware failed"}, "is DELETED, expected AVAILABLE"),
    ],
)
def test_an_image_that_cannot_be_taken_has_the_service_back(
    imaged: Imaged, fault: dict[str, Any], words: str
) -> None:
    imaged.site.cloud.inject(operation="CreateImage", **fault)
    try:
        with pytest.raises((Refused, Failed, Unknown), match=words):
            imaged.take(quiesce=True, keep=1000)
    finally:
        imaged.site.cloud.clear_faults()
    assert imaged.site.serving() == FIRST
    with imaged.site.model.open() as model:
        assert not model["armed"]
    imaged.forget()


def test_a_server_that_came_back_before_its_image_was_begun_is_not_imaged(
    imaged: Imaged, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, stop = imaged.images(), Quiescing._stop

    def slow(quiescing: Quiescing) -> str:
        said = stop(quiescing)
        imaged.site.model.come_back(FIRST, imaged.site.first, "deadline")
        return said

    monkeypatch.setattr(Quiescing, "_stop", slow)
    with pytest.raises(Failed, match=r"by itself before the image was begun.*the service is back"):
        imaged.take(quiesce=True, keep=1000)
    assert imaged.images() == before
    assert imaged.site.serving() == FIRST


def test_a_server_that_does_not_serve_is_not_stopped_for_an_image(imaged: Imaged) -> None:
    with imaged.site.model.open() as model:
        model["serving"].clear()
    try:
        with pytest.raises(Refused, match=f"{FIRST} does not serve: "):
            imaged.take(quiesce=True)
    finally:
        with imaged.site.model.open() as model:
            model["serving"][FIRST] = imaged.site.first


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


@pytest.mark.parametrize("operation", ["CreateBootVolume", "LaunchInstance", "CreateImage"])
@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (
            {"status": 400, "code": "LimitExceeded"},
            "have the service limit or the compartment's quota raised",
        ),
        ({"status": 500, "message": "Out of host capacity."}, "try again later, use a capacity reservation"),
    ],
    ids=["limit", "capacity"],
)
def test_a_limit_or_capacity_is_named_with_what_to_do_and_nothing_is_left(
    imaged: Imaged, operation: str, fault: dict[str, Any], remedy: str
) -> None:
    before, named = imaged.images(), imaged.written()
    imaged.site.cloud.inject(operation=operation, count=0, **fault)
    try:
        with pytest.raises(Failed, match=f"OCI {operation}: HTTP {fault['status']}") as refused:
            imaged.take(keep=1000)
    finally:
        imaged.site.cloud.clear_faults()
    assert refused.value.remedy.startswith(remedy)
    assert imaged.left() == []
    assert (imaged.images(), imaged.written(), imaged.site.serving()) == (before, named, FIRST)


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
        ({"server": SECOND, "quiesce": True}, "has no instance"),
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
