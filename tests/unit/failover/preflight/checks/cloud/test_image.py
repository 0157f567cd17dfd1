"""What the image's state and age mean for a failover."""

from dataclasses import replace
from datetime import timedelta

import pytest

from failover.cloud.resources import ImageFacts
from failover.model.host import image_contents
from failover.model.host.image_contents import TAG, TAG_KERNEL, TAG_OF, ImageContents
from failover.model.site import Objectives, PreflightLimits
from failover.preflight.check import Check, CheckResult
from failover.preflight.checks.cloud import image
from tests.unit.failover.preflight.ground import NOW, complete

FILES = {"keys": "k1", "exports": "e1", "quotas": ""}
SERVER = ImageContents(
    "5.15",
    "a" * 64,
    600,
    {"lvm2": "2.03-9", "nfs-utils": "2.5"},
    FILES,
)
TAGS = {TAG: "run", TAG_OF: "ocid1.instance.1", **image_contents.tags_of(SERVER)}


@pytest.mark.parametrize(
    ("state", "age", "outcome"),
    [
        ("AVAILABLE", 89, CheckResult.OK),
        ("AVAILABLE", 91, CheckResult.WARNING),
        ("PROVISIONING", 0, CheckResult.BLOCKING),
        ("IMPORTING", 0, CheckResult.BLOCKING),
        ("EXPORTING", 0, CheckResult.BLOCKING),
        ("DELETED", 1, CheckResult.BLOCKING),
        ("DISABLED", 1, CheckResult.BLOCKING),
    ],
)
def test_an_image(state: str, age: int, outcome: CheckResult) -> None:
    found = judged(age, state)
    assert found.outcome is outcome
    assert complete(found)
    assert f"{age} days old" in found.actual


def judged(age: float, state: str = "AVAILABLE", image_days: float | None = None) -> Check:
    made = ImageFacts("golden", state, NOW - timedelta(days=age))
    return image.judge("nfs-srv-2", made, NOW, PreflightLimits(), Objectives(image_days=image_days))


def test_an_image_older_than_the_objective_is_a_warning_that_names_it() -> None:
    assert judged(29, image_days=30).outcome is CheckResult.OK
    found = judged(31, image_days=30)
    assert found.outcome is CheckResult.WARNING
    assert found.expected == "at most 30 days ([objectives] image_days)"
    assert judged(91, image_days=365).expected == "at most 90 days ([preflight] image_age_days)"


@pytest.mark.parametrize(
    ("image_id", "region", "named"),
    [
        ("ocid1.image.oc1.ap-tokyo-1.aaaa", "eu-frankfurt-1", True),
        ("ocid1.image.oc1.iad.aaaa", "eu-frankfurt-1", True),
        ("ocid1.image.oc1.eu-frankfurt-1.aaaa", "eu-frankfurt-1", False),
        ("ocid1.image.oc1.iad.aaaa", "us-ashburn-1", False),
        ("ocid1.image.oc1..aaaa", "eu-frankfurt-1", False),
        ("golden", "eu-frankfurt-1", False),
        ("ocid1.image.oc1.ap-tokyo-1.aaaa", "", False),
    ],
)
def test_an_image_of_another_region_is_named(image_id: str, region: str, named: bool) -> None:
    found = image.judge_region("nfs-srv-2", image_id, region)
    assert bool(found) == named
    if found:
        assert found.outcome is CheckResult.BLOCKING
        assert complete(found)


def drift(tags: dict[str, str], server: ImageContents = SERVER) -> Check:
    made = ImageFacts("golden", "AVAILABLE", NOW, "ocid1.image.x", tags)
    return image.judge_drift("nfs-srv-2", made, "nfs-srv-1", "ocid1.instance.1", server)


def test_an_image_with_all_that_the_server_has() -> None:
    found = drift(TAGS)
    assert (found.outcome, found.actual) == (CheckResult.OK, "golden has what nfs-srv-1 has")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"kernel": "5.16"}, "kernel 5.16: the image has 5.15"),
        ({"packages": "b" * 64, "package_count": 601}, "601 packages, 600 in the image"),
        (
            {"packages": "b" * 64, "versions": {"lvm2": "2.04", "nfs-utils": "2.5", "quota-rpc": "4"}},
            "of the service, and in the image: lvm2 2.04 (2.03-9), quota-rpc 4 (none)",
        ),
        ({"files": {**FILES, "keys": "k2"}}, "keys (authorized_keys"),
        ({"files": {**FILES, "exports": "e2"}}, "/etc/exports.d) were changed"),
        ({"files": {**FILES, "quotas": "q1"}}, "/etc/quotagrpadmins) were made"),
        ({"files": {**FILES, "keys": ""}}, "the image has some that the server no longer has"),
    ],
)
def test_what_a_failover_would_lose_is_a_warning(changed: dict, words: str) -> None:
    found = drift(TAGS, replace(SERVER, **changed))
    assert found.outcome is CheckResult.WARNING
    assert complete(found)
    assert words in found.actual
    assert "invoke image" in found.remedy


def test_tags_of_an_older_version_say_what_is_not_known_and_are_no_fault() -> None:
    found = drift({TAG: "run", TAG_OF: "ocid1.instance.1", TAG_KERNEL: "5.15"})
    assert found.outcome is CheckResult.OK
    assert found.actual.endswith("not known: packages, files of the root disk")


def test_an_image_of_another_server_says_so() -> None:
    assert "an image of another server than nfs-srv-1" in drift({**TAGS, TAG_OF: "ocid1.instance.2"}).actual


def test_versions_that_do_not_fit_into_a_tag_are_left_out_whole_and_not_taken_for_new() -> None:
    many = {f"package-{n:02}": "1" * 30 for n in range(9)}
    tags = image_contents.tags_of(replace(SERVER, versions=many))
    assert all(len(value) <= 256 for value in tags.values())
    kept = image_contents.of_tags(tags)
    assert kept.versions
    assert kept.versions.items() < many.items()
    assert not kept.is_whole
    lost = image_contents.drift(kept, replace(SERVER, packages="b" * 64, versions=many)).lost
    assert lost == ("packages: 600 packages, 600 in the image, and they are not the same ones",)
