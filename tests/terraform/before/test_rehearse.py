"""`rehearse` on the real API, SDK and Terraform, with answering hosts: nothing touched, nothing left."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from unittest import mock

import pytest

from failover.command.request import SiteChoice
from failover.model.outcome import Outcome
from failover.runs import history
from failover.runs import journal as journals
from failover.runs.events import Event
from failover.runs.site_lock import site_lock
from failover.verbs import standby as verb
from lab.site.stack import VARIABLES_FILE
from tests import sources, verb_policies
from tests.paths import ROOT
from tests.terraform.doubles.hosts import AnsweringHost
from tests.terraform.sites.whole_site import FIRST, SECOND, WholeSite, whole_site

pytestmark = pytest.mark.checked(sources.SDK)

STEPS = (
    *("group", "clone", "launch", "reach", "attach", "withhold", "take-over", "canaries", "unmount", "fsck"),
    "remove",
)
EVENTS = ("run-started", *(f"{step} {end}" for step in STEPS for end in ("started", "done")), "run-done")
OVER = ("TERMINATED", "DETACHED")
TAG = "nfs-failover-rehearsal"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSite]:
    with whole_site(tmp_path_factory.mktemp("rehearse")) as found:
        yield found


@pytest.fixture
def site(made: WholeSite) -> Iterator[WholeSite]:
    """nfs-srv-1 serves, whatever the last test did; production is as it was, and nothing costs money."""
    before = cloud_of(made)
    yield made
    made.cloud.clear_faults()
    with made.model.open() as model:
        for key in ("takeover_fault", "fsck", "image_exports", "rehearsing", "withheld"):
            model.pop(key, None)
        assert model["violations"] == []
    assert made.serving() == FIRST
    assert cloud_of(made) == before


def cloud_of(site: WholeSite) -> dict[str, list[str]]:
    """Whatever costs money, or could, past the API: OCIDs by kind."""
    kinds = ("instance", "bootvolume", "volume", "volumegroup", "volumeattachment")
    return {
        kind: sorted(
            one["id"] for one in site.model.bodies("kind = ?", kind) if one["lifecycleState"] not in OVER
        )
        for kind in kinds
    }


@pytest.fixture(scope="module")
def mortal(made: WholeSite) -> Iterator[Callable[..., None]]:
    """A rehearsal that dies when the event of this number is on disk."""
    where = [str(made.file), str(made.model.file.parent), str(made.cloud.run / "cloud.db")]
    words = [sys.executable, "-m", "tests.terraform.sites.killed_rehearsal", *where]
    with (made.file.parent / "killed.log").open("w") as log:
        process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )

    def kill_at(number: int, standby: str = "") -> None:
        process.stdin.write(f"{number} {standby}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer.strip() == str(-signal.SIGKILL), (made.file.parent / "killed.log").read_text()

    yield kill_at
    process.communicate(timeout=60)


def test_a_rehearsal_takes_clones_over_and_leaves_nothing(site: WholeSite) -> None:
    said_before = len(site.cloud.requests())
    report, said = site.rehearse()
    assert report.outcome.value == "done", said
    assert [phase.name for phase in report.phases] == list(STEPS)
    assert all(f.ok for f in report.findings), report.findings
    assert {"exports", "data /mnt/a", "fsck /mnt/a", "removed", "production"} <= {
        f.subject for f in report.findings
    }
    assert "instance-hours" in said
    assert "GB-hours" in said
    runs = sorted((site.file.parent / "runs" / "rehearsals").glob("*/journal.jsonl"))
    events = [event["event"] for event in journals.read(runs[-1].parent)]
    assert events[0] == Event.RUN_STARTED
    assert events[-1] == Event.RUN_DONE
    assert len(events) == len(EVENTS)
    kept = history.read(site.file.parent / "runs").latest(history.Kind.REHEARSAL)
    assert kept is not None
    assert kept.outcome == "done"
    assert set(kept.facts["steps"]) == set(STEPS)
    assert kept.facts["image"] == site.cloud.facts["base_image_id"]
    assert kept.facts["outage_measured_seconds"] > 0
    called = {one["operation"] for one in site.cloud.requests()[said_before:]}
    assert called == verb_policies.VERBS["rehearse"] - {"DetachVolume"}  # of a standby alone


def test_an_image_that_was_taken_since_the_last_apply_is_the_one_that_is_rehearsed(site: WholeSite) -> None:
    base = site.cloud.facts["base_image_id"]
    path = site.stack.folder / VARIABLES_FILE
    kept = path.read_text()
    path.write_text(kept.replace(base, f"{base}missing"))
    report, _ = site.rehearse()
    path.write_text(kept)
    assert report.outcome.value == "unknown"
    assert f"{base}missing" in report.reason + str(report.findings)


def test_the_clones_get_no_address_of_the_site_and_no_client(site: WholeSite) -> None:
    site.rehearse()
    launched = [one for one in site.model.bodies("kind = 'instance'") if TAG in one["freeformTags"]]
    assert launched
    assert all("user_data" not in one["metadata"] for one in launched)
    assert all("nfs_failover" not in one["metadata"] for one in launched)


@pytest.mark.parametrize("number", range(1, len(EVENTS)), ids=lambda n: f"{n} {EVENTS[n - 1]}")
def test_killed_at_an_event_the_next_call_removes_all(site: WholeSite, mortal, number: int) -> None:
    mortal(number)
    report, said = site.rehearse(clean=True)
    assert report.outcome.value in ("done", "nothing-to-do"), said


def test_killed_while_it_launches_the_next_rehearsal_cleans_first_and_is_whole(
    site: WholeSite, mortal
) -> None:
    mortal(EVENTS.index("launch done") + 1)
    assert len(cloud_of(site)["volumegroup"]) == 2
    report, said = site.rehearse()
    assert report.outcome.value == "done", said
    assert "removed first, left by an earlier rehearsal" in " ".join(report.notes)
    assert said.index("left by an earlier rehearsal: instance") < said.index("this costs")


def test_one_that_somebody_else_began_is_not_taken_away(site: WholeSite, mortal) -> None:
    mortal(EVENTS.index("clone done") + 1)
    folder = site.file.parent / "runs" / "rehearsals"
    newest = max(path.parent for path in folder.glob("*/journal.jsonl"))
    newest.rename(newest.with_name("elsewhere"))
    report, said = site.rehearse()
    assert report.outcome.value == "refused", said
    assert "may be under way" in report.reason
    assert "--clean" in report.remedy
    assert site.rehearse(clean=True)[0].outcome.value == "done"


def test_another_site_in_the_compartment_keeps_its_rehearsal(site: WholeSite) -> None:
    foreign = site.cloud.volume("foreign")
    import oci  # noqa: PLC0415

    details = oci.core.models.UpdateVolumeDetails(freeform_tags={TAG: "0123456789ab/20260101T000000-000-x"})
    site.cloud.storage.update_volume(foreign, details)
    assert site.rehearse(clean=True)[0].outcome.value == "nothing-to-do"
    assert site.cloud.storage.get_volume(foreign).data.lifecycle_state == "AVAILABLE"
    site.cloud.storage.delete_volume(foreign)
    site.cloud._until(lambda: site.cloud.storage.get_volume(foreign).data, "TERMINATED")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"operation": "CreateVolumeGroup", "status": 400, "code": "LimitExceeded"}, "service limit"),
        ({"operation": "CreateVolumeGroup", "status": 400, "code": "QuotaExceeded"}, "quota"),
        ({"operation": "LaunchInstance", "refusal": "Out of host capacity."}, "work request"),
        ({"operation": "AttachVolume", "status": 409, "code": "Conflict"}, "message names"),
        ({"operation": "CreateVolumeGroup", "status": 404, "code": "NotAuthorizedOrNotFound"}, "policies"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_what_fails_midway_is_named_and_removed(site: WholeSite, fault: dict, words: str) -> None:
    site.cloud.inject(**fault)
    report, said = site.rehearse()
    assert report.outcome.value in ("failed", "unknown"), said
    assert words in report.remedy, report.remedy
    assert report.phases[-1].name == "remove"


def test_without_capacity_it_is_refused_before_anything_is_made(site: WholeSite) -> None:
    site.cloud.inject(operation="LaunchInstance", status=500, message="Out of host capacity.", count=0)
    report, said = site.rehearse()
    assert report.outcome.value == "refused", said
    assert "OUT_OF_HOST_CAPACITY" in report.reason
    assert "--standby" in report.remedy


def test_what_cannot_be_removed_is_named_with_its_cost(site: WholeSite) -> None:
    site.cloud.inject(operation="TerminateInstance", status=409, code="Conflict", count=0)
    report, _ = site.rehearse()
    assert report.outcome.value == "failed"
    assert "instance nfs-rehearsal-nfs-srv-2 (ocid1.instance" in report.reason
    assert "costs money" in report.remedy
    site.cloud.clear_faults()
    assert site.rehearse(clean=True)[0].outcome.value == "done"


def test_a_takeover_that_would_fail_fails_here(site: WholeSite) -> None:
    with site.model.open() as model:
        model["takeover_fault"] = "mount: bad superblock"
    report, _ = site.rehearse()
    assert report.outcome.value == "failed"
    assert "bad superblock" in report.reason


def test_a_damaged_filesystem_is_a_finding(site: WholeSite) -> None:
    with site.model.open() as model:
        model["fsck"] = "broken"
    report, _ = site.rehearse()
    assert report.outcome.value == "failed"
    assert "fsck /mnt/a" in report.reason


def test_while_a_failover_runs_it_is_refused(site: WholeSite) -> None:
    with site_lock(site.file.parent / "runs"):
        report, _ = site.rehearse()
    assert report.outcome.value == "refused"
    assert f"process {os.getpid()}" in report.reason


def test_a_site_that_is_not_healthy_is_refused_before_anything_is_made(site: WholeSite) -> None:
    calls = len(site.cloud.requests())
    site.silence(FIRST)
    report, _ = site.rehearse()
    site.silence()
    assert report.outcome.value == "refused"
    assert "nfs-srv-1" in report.reason
    assert not {"CreateVolumeGroup", "LaunchInstance"} & {
        one["operation"] for one in site.cloud.requests()[calls:]
    }


@pytest.mark.parametrize(
    ("wanted", "outcome", "words"),
    [
        ({"server": "nfs-srv-9"}, "usage", "not a server"),
        ({"server": FIRST}, "refused", "--standby"),
        ({"standby": FIRST}, "refused", "active server"),
        ({"standby": SECOND}, "refused", "stands by"),
        ({"server": SECOND, "standby": SECOND}, "usage", "one of them"),
        ({"yes": False}, "usage", "--yes"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(site: WholeSite, wanted: dict, outcome: str, words: str) -> None:
    report, _ = site.rehearse(**wanted)
    assert report.outcome.value == outcome
    assert words in f"{report.reason} {report.remedy}"


@pytest.fixture(scope="module")
def standby(made: WholeSite) -> str:
    """nfs-srv-2 stands by: the service went there and came home again."""
    for target in (SECOND, FIRST):
        report, said = made.fail_over(target)
        assert report.outcome.value == "done", said
    return SECOND


def test_on_a_server_that_stands_by_nothing_is_launched_and_it_releases_the_clones(
    standby: str, site: WholeSite
) -> None:
    report, said = site.rehearse(standby=standby)
    assert report.outcome.value == "done", said
    names = [phase.name for phase in report.phases]
    assert names == [step for step in STEPS if step not in ("launch", "reach", "withhold")]
    assert "no server: one that stands by is used" in said
    with site.model.open() as model:
        assert model["rehearsing"] == {}


@pytest.mark.parametrize("number", [7, 9], ids=["attach done", "take-over done"])
def test_killed_while_a_standby_has_the_clones_they_are_released_before_the_detach(
    standby: str, site: WholeSite, mortal, number: int
) -> None:
    mortal(number, standby)
    report, said = site.rehearse(clean=True)
    assert report.outcome.value == "done", said
    with site.model.open() as model:
        assert model.get("rehearsing", {}) == {}


@pytest.mark.parametrize("action", ["up", "down"])
def test_a_standby_that_has_the_clones_of_a_killed_rehearsal_is_left_as_it_is(
    standby: str, site: WholeSite, mortal, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mortal(9, standby)
    with mock.patch("failover.hosts.hook_runner.SshHost", functools.partial(AnsweringHost, site.model)):
        code = verb.main(action, standby, SiteChoice(str(site.file)), yes=True)
    said = capsys.readouterr().err
    assert code == Outcome.REFUSED.exit_code, said
    assert "has clones of a rehearsal: " in said
    assert "./inv rehearse --clean" in said
    with site.model.open() as model:
        assert model["rehearsing"], "they are still mounted there"
    assert site.rehearse(clean=True)[0].outcome.value == "done"


def test_clones_on_a_standby_that_does_not_answer_are_not_torn_away(
    standby: str, site: WholeSite, mortal
) -> None:
    mortal(9, standby)
    site.silence(standby)
    report, _ = site.rehearse(clean=True)
    site.silence()
    assert report.outcome.value in ("failed", "unknown")
    assert "volume bv1" in report.reason
    assert site.rehearse(clean=True)[0].outcome.value == "done"
