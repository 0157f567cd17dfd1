"""The sites that a lab can build: each says what its hosts' fstab must be; the product knows none of them."""

from __future__ import annotations

import re

import pytest

from lab.site.shapes.known import SHAPES
from lab.site.shapes.shape import MOMENTS, SiteShape, parse
from lab.system.paths import GUEST
from tests.paths import ROOT

HAND_BUILT = [shape for shape in SHAPES.values() if shape.server]
# words that only one of the sites has
OWN_WORDS = re.compile(r"\boci-(nfs|hpc)\b|\bblockvolume\b|\bvg_nfs_disk|\bnfsshare\b|\btutorial\b")


def test_sections_are_what_the_file_has_byte_for_byte():
    text = "a comment\n== nfs-cli built failback\na\tb\n\n== nfs-srv-1 built\n#x  y\n== nfs-srv-2 failback\n"
    assert parse(text) == {
        ("built", "nfs-cli"): "a\tb\n\n",
        ("failback", "nfs-cli"): "a\tb\n\n",
        ("built", "nfs-srv-1"): "#x  y\n",
        ("failback", "nfs-srv-2"): "",
    }


def test_a_moment_that_no_drill_has_is_named():
    with pytest.raises(ValueError, match="found moment 'later', expected one of built"):
        parse("== nfs-cli later\nline\n")


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_every_host_of_a_site_has_an_expected_fstab(shape: SiteShape):
    """What a drill does not find there it names, so that no host goes unlooked at."""
    expected = shape.expected()
    assert {moment for moment, _ in expected} >= set(MOMENTS) - {"settled"}
    for moment in ("built", "failover", "failback"):
        assert expected[(moment, "nfs-cli")]
    assert (("settled", "nfs-srv-1") in expected) == bool(shape.server)


@pytest.mark.parametrize("shape", HAND_BUILT, ids=[shape.name for shape in HAND_BUILT])
def test_a_site_is_built_with_the_line_that_its_owner_would_find(shape: SiteShape):
    """The script writes the very line that the drill expects, and speaks of nothing of ours."""
    script = re.sub("^#.*", "", (GUEST / "sites" / str(shape.server)).read_text(), flags=re.MULTILINE)
    for line in shape.expected()[("built", "nfs-srv-1")].splitlines()[1:]:
        *_, mount, kind, options = line.split()[:4]
        assert (f"{kind} {options}" in script) or (f"{kind}\\t{options}" in script), line
        assert mount.strip("/").rpartition("/")[2] in script, line
    assert "nfs-failover" not in script
    assert "nofail" not in script or shape.name == "oci-nfs"


def test_nothing_of_the_product_knows_which_site_it_is():
    files = [
        path
        for folder in ("failover", "hooks", "templates")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".j2")
    ] + list((ROOT / "terraform").glob("*.tf"))
    assert len(files) > 100
    found = [f"{p.relative_to(ROOT)}: {m}" for p in files for m in OWN_WORDS.findall(p.read_text())]
    assert found == []
