"""fstab is edited line by line: the named line changes, every other byte stays, twice is the same as once."""

from hypothesis import assume, given
from hypothesis import strategies as st

from hooks import fstab
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
