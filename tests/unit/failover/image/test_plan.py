"""Which images go, and which server's image is too large."""

from datetime import UTC, datetime

import pytest

from failover.cloud.imaging import ImageSource, MadeImage
from failover.image import plan
from failover.model.outcome import Refused


def image(number: int, run: str = "run", state: str = "AVAILABLE") -> MadeImage:
    made = datetime(2026, 1, number, tzinfo=UTC)
    return MadeImage(f"i{number}", f"image {number}", state, made, run, "ocid1.instance..1")


def source(state: str = "RUNNING", gbs: int = 50) -> ImageSource:
    return ImageSource("i", "nfs-srv-1", state, "c", "ad", "BM.Standard3.64", None, None, "b", gbs, "s")


@pytest.mark.parametrize(
    ("keep", "named", "gone"),
    [(1, (), "i1 i2 i3"), (3, (), "i1"), (4, (), ""), (1, ("i2",), "i1 i3"), (3, ("i1",), "")],
)
def test_the_oldest_of_this_tool_go_and_none_that_terraform_names(keep, named, gone):
    images = [image(3), image(1), image(2), image(4, run=""), image(5, state="PROVISIONING")]
    assert " ".join(one.id for one in plan.deletions(images, named, keep)) == gone


def test_a_boot_volume_larger_than_an_image_can_be_is_refused():
    plan.refuse(source(gbs=400), "new", [])
    with pytest.raises(Refused, match="has 401 GB; a custom image has at most 400 GB"):
        plan.refuse(source(gbs=401), "new", [])
