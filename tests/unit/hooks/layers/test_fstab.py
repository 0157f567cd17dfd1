"""fstab is edited line by line: the named line changes, every other byte stays, twice is the same as once."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hooks.contract.paths import normalized
from hooks.layers import fstab
from tests.unit.hooks.scripted_host import fixture

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


def ours(line: fstab.FstabLine) -> bool:
    return line.mount == "/mnt/a" and line.device in ALIASES


def others(text: str) -> list[str]:
    """Lines that are not the named one, nor our mark."""
    return [
        line
        for line in text.split("\n")
        if line not in ("", fstab.MARK) and not any(name in line for name in ALIASES)
    ]


def test_the_manual_s_edit_of_an_oracle_linux_fstab() -> None:
    text = fstab.enable(ORACLE, ENTRY, ours)
    assert text == ORACLE.replace("#/dev/vg1/lv01\t/mnt/a\txfs\tdefaults\t0\t0", fstab.MARK + "\n" + ENTRY)
    assert fstab.disable(text, ours) == text.replace(ENTRY, "#" + ENTRY)


def test_the_same_device_elsewhere_is_another_line() -> None:
    text = "/dev/vg1/lv01 /srv/other xfs defaults 0 0\n"
    assert fstab.enable(text, ENTRY, ours) == text + fstab.MARK + "\n" + ENTRY + "\n"
    assert fstab.disable(text, ours) == text


def test_the_end_of_the_line_stays_as_it_was() -> None:
    assert fstab.enable(ENTRY.replace("nofail", "noatime") + "\r\n", ENTRY, ours).endswith(ENTRY + "\r\n")
    assert fstab.enable("/dev/root / ext4 rw 0 0", ENTRY, ours).startswith("/dev/root / ext4 rw 0 0\n")


@given(TABLES)
def test_enable(text: str) -> None:
    once = fstab.enable(text, ENTRY, ours)
    assert others(once) == others(text)
    assert fstab.enable(once, ENTRY, ours) == once
    assert fstab.line_of(once, ALIASES, "/mnt/a") == ENTRY
    assert set(fstab.active_sources(once, "/mnt/a")) & set(ALIASES) == {"/dev/vg1/lv01"}


@given(TABLES)
def test_disable(text: str) -> None:
    once = fstab.disable(text, ours)
    assert fstab.disable(once, ours) == once
    assert fstab.line_of(once, ALIASES, "/mnt/a") is None
    assert others(once) == others(text)
    assert once.count("\n") == text.count("\n")


@given(TABLES)
def test_enable_after_disable_is_enable(text: str) -> None:
    assume(text.count("/dev/") < 2)
    enabled = fstab.enable(text, ENTRY, ours)
    assert fstab.enable(fstab.disable(enabled, ours), ENTRY, ours) == enabled


@pytest.mark.parametrize("spelled", ["/mnt/a", "/mnt/a/", "//mnt//a", "/mnt/./a", "/mnt/a///", "/mnt/\\141"])
def test_a_mount_point_is_what_the_kernel_would_show(spelled: str) -> None:
    line = fstab.parsed(f"LABEL=data\t{spelled}\txfs\tdefaults,_netdev\t0 0\n")
    assert line == fstab.FstabLine(
        True,
        "LABEL=data",
        "/mnt/a",
        "xfs",
        "defaults,_netdev",
        f"LABEL=data\t{spelled}\txfs\tdefaults,_netdev\t0 0",
    )


def test_blanks_in_names_are_octal() -> None:
    line = fstab.parsed("LABEL=my\\040data /mnt/my\\040data xfs")
    assert line == fstab.FstabLine(
        True, "LABEL=my data", "/mnt/my data", "xfs", "defaults", "LABEL=my\\040data /mnt/my\\040data xfs"
    )


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a /b\txfs\tdefaults\t0\t2", "a /b\txfs\tNEW\t0\t2"),
        ("  #a  /b/ xfs defaults 0 2\r\n", "a  /b/ xfs NEW 0 2"),
        ("a /b auto defaults", "a /b xfs NEW"),
        ("a /b xfs", "a /b xfs NEW"),
        ("a /b xfs \n", "a /b xfs NEW"),
    ],
)
def test_type_and_options_change_and_no_other_byte(text: str, after: str) -> None:
    line = fstab.parsed(text)
    assert line is not None
    assert fstab.with_options(line, "xfs", "NEW") == after


@pytest.mark.parametrize("text", ["", "# /mnt/a", "swap none swap sw 0 0", "UUID=1 /mnt/a", fstab.MARK])
def test_what_names_no_mount_is_no_line(text: str) -> None:
    assert fstab.parsed(text) is None


def named(line: fstab.FstabLine) -> bool:
    return line.device in ALIASES


@given(TABLES)
def test_what_is_put_off_comes_back_as_it_was(text: str) -> None:
    off = fstab.disable(text, named, fstab.OFF)
    assert not [line for line in fstab.lines(off) if line.active and named(line)]
    assert fstab.restore(off) == text


@given(st.text(max_size=80))
def test_any_text_is_read_without_a_complaint(text: str) -> None:
    for line in fstab.lines(text):
        assert line.mount == normalized(line.mount)
    assert fstab.disable(fstab.disable(text, ours), ours) == fstab.disable(text, ours)
