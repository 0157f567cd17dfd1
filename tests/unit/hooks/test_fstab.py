"""fstab is edited line by line: the named line changes, every other byte stays, twice is the same as once."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hooks import client_fstab, fstab
from tests.unit.hooks.planned import fixture

ENTRY = "/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0"
ALIASES = ("/dev/vg1/lv01", "/dev/mapper/vg1-lv01")
ORACLE = fixture("fstab-oracle-linux.txt")
FIELDS = [
    "/dev/vg1/lv01",
    "/dev/mapper/vg1-lv01",
    "/dev/sdz1",
    "nfs-srv-1:/mnt/a",
    "/mnt/a",
    "/mnt/nfs/a",
    "xfs",
    "nfs",
    "#",
    "0",
]
LINES = st.lists(st.sampled_from(FIELDS), max_size=6).map(" ".join) | st.sampled_from(
    ["#" + ENTRY, "# " + ENTRY, ENTRY, fstab.MARK, "nfs-srv-1:/mnt/a\t/mnt/nfs/a\tnfs\tdefaults\t0\t0"]
)
TABLES = st.lists(LINES, max_size=6).map("\n".join) | st.text(max_size=60) | st.just(ORACLE)
SOURCES = ("nfs-srv-1:/mnt/a",)


def others(text: str) -> list[str]:
    """Lines that are not the named one, nor our mark."""
    return [
        line
        for line in text.split("\n")
        if line not in ("", fstab.MARK) and not any(name in line for name in ALIASES)
    ]


def test_the_manual_s_edit_of_an_oracle_linux_fstab() -> None:
    text = fstab.enable(ORACLE, ENTRY, ALIASES)
    assert text == ORACLE.replace("#/dev/vg1/lv01\t/mnt/a\txfs\tdefaults\t0\t0", fstab.MARK + "\n" + ENTRY)
    assert fstab.disable(text, ALIASES, "/mnt/a") == text.replace(ENTRY, "#" + ENTRY)


def test_the_manual_s_edit_on_a_client() -> None:
    text = client_fstab.repoint(ORACLE, SOURCES, "nfs-srv-2:/mnt/a", "/mnt/nfs/a")
    assert text == ORACLE.replace("nfs-srv-1:", "nfs-srv-2:")


@pytest.mark.parametrize(
    "line",
    [
        "nfs-srv-1:/mnt/ab /mnt/nfs/a nfs defaults 0 0\n",
        "nfs-srv-10:/mnt/a /mnt/nfs/a nfs defaults 0 0\n",
        "nfs-srv-1:/mnt/a /mnt/nfs/ab nfs defaults 0 0\n",
        "#nfs-srv-1:/mnt/a /mnt/nfs/a nfs defaults 0 0\n",
    ],
)
def test_a_line_that_only_resembles_stays(line: str) -> None:
    assert client_fstab.repoint(line, SOURCES, "nfs-srv-2:/mnt/a", "/mnt/nfs/a") == line


def test_the_same_device_elsewhere_is_another_line() -> None:
    text = "/dev/vg1/lv01 /srv/other xfs defaults 0 0\n"
    assert fstab.enable(text, ENTRY, ALIASES) == text + fstab.MARK + "\n" + ENTRY + "\n"
    assert fstab.disable(text, ALIASES, "/mnt/a") == text


def test_the_end_of_the_line_stays_as_it_was() -> None:
    assert fstab.enable(ENTRY.replace("nofail", "noatime") + "\r\n", ENTRY, ALIASES).endswith(ENTRY + "\r\n")
    assert fstab.enable("/dev/root / ext4 rw 0 0", ENTRY, ALIASES).startswith("/dev/root / ext4 rw 0 0\n")


@given(TABLES)
def test_enable(text: str) -> None:
    once = fstab.enable(text, ENTRY, ALIASES)
    assert others(once) == others(text)
    assert fstab.enable(once, ENTRY, ALIASES) == once
    assert fstab.line_of(once, ALIASES, "/mnt/a") == ENTRY
    assert set(fstab.active_sources(once, "/mnt/a")) & set(ALIASES) == {"/dev/vg1/lv01"}


@given(TABLES)
def test_disable(text: str) -> None:
    once = fstab.disable(text, ALIASES, "/mnt/a")
    assert fstab.disable(once, ALIASES, "/mnt/a") == once
    assert fstab.line_of(once, ALIASES, "/mnt/a") is None
    assert others(once) == others(text)
    assert once.count("\n") == text.count("\n")


@given(TABLES)
def test_enable_after_disable_is_enable(text: str) -> None:
    assume(text.count("/dev/") < 2)
    enabled = fstab.enable(text, ENTRY, ALIASES)
    assert fstab.enable(fstab.disable(enabled, ALIASES, "/mnt/a"), ENTRY, ALIASES) == enabled


@given(TABLES)
def test_repoint_changes_first_fields_only(text: str) -> None:
    once = client_fstab.repoint(text, SOURCES, "nfs-srv-2:/mnt/a", "/mnt/nfs/a")
    assert client_fstab.repoint(once, SOURCES, "nfs-srv-2:/mnt/a", "/mnt/nfs/a") == once
    assert "nfs-srv-1:/mnt/a" not in fstab.active_sources(once, "/mnt/nfs/a")
    for before, after in zip(text.split("\n"), once.split("\n"), strict=True):
        assert after in (before, before.replace("nfs-srv-1:/mnt/a", "nfs-srv-2:/mnt/a", 1))
