"""What commands and the kernel print, captured from real ones; and any text at all."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.contract.parse import parse
from hooks.contract.spec import ServerSpec
from hooks.host import mounts
from hooks.layers import exports, iscsi, lvm
from tests.unit.hooks.scripted_host import fixture

ANY = st.text(max_size=200) | st.lists(
    st.sampled_from(
        [
            "tcp: [1] ",
            "169.254.2.2:3260,1 ",
            "iqn.a:b",
            "# BEGIN RECORD",
            "node.name = x",
            " - ",
            "\n",
            "/mnt/a ",
            "*(",
            ")",
            "\\040",
            "\\",
        ]
    )
).map("".join)


def server_spec() -> ServerSpec:
    spec = parse(fixture("server-spec.json"))
    assert isinstance(spec, ServerSpec)
    return spec


def test_sessions() -> None:
    found = iscsi.sessions_in(fixture("iscsiadm-session.txt"))
    assert [(item.sid, item.portal) for item in found] == [
        ("3", "169.254.2.4:3260"),
        ("4", "169.254.2.5:3260"),
    ]
    assert found[0].iqn == server_spec().volumes[0].iqn


def test_records() -> None:
    volume = server_spec().volumes[0]
    found = iscsi.records_in(fixture("iscsiadm-node-stale.txt"))
    assert set(found) >= {(volume.iqn, "169.254.2.4:3260"), (volume.iqn, "169.254.2.9:3260")}
    assert all(found[volume.iqn, "169.254.2.4:3260"][name] == value for name, value in iscsi.SETTINGS)


def test_mountinfo() -> None:
    found = mounts.parse(fixture("mountinfo.txt"))
    assert found[4][:3] == ("/mnt/nfs/a", "nfs4", "nfs-srv-1:/mnt/a")
    assert (found[4].id, found[4].parent, found[4].root) == ("92", "22", "/")
    assert found[5].mount == "/mnt/with blank"
    assert found[3].source == "/dev/mapper/vg1-lv01"


def test_this_machine_s_mountinfo() -> None:
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    assert len(mounts.parse(text)) == len(text.splitlines())


def test_exports_table() -> None:
    assert exports.parse(fixture("exportfs-s.txt")) == {("/mnt/a", "10.0.0.0/16"), ("/srv/other", "*")}


def test_exports_file_with_all_its_ways() -> None:
    text = '# c\n/a -sync h1(rw) h2\n/b (ro)\n/c h1(rw,\\\n  sync)\n/d\th3(rw) # why\n"/e f" h1(rw)\n'
    assert exports.parse(text) >= {("/a", "h1"), ("/a", "h2"), ("/b", "*"), ("/d", "h3")}


@pytest.mark.parametrize("path", ['"/mnt/a b"', "/mnt/a\\040b"])
def test_no_part_of_a_path_with_a_blank_is_a_client(path: str) -> None:
    assert exports.parse(f"{path} 10.0.0.0/16(rw) \\\n  -ro h#not\n") == {
        ("/mnt/a b", "10.0.0.0/16"),
        ("/mnt/a b", "h"),
    }


@pytest.mark.parametrize("line", ['/mnt/"a" "h"(rw)', '"/mnt"/a "h(rw)"', '"/mnt/a" -ro "h"'])
def test_quotes_may_stand_anywhere_in_a_word(line: str) -> None:
    assert exports.parse(line) == {("/mnt/a", "h")}


def test_our_own_file_reads_back_as_what_was_wanted() -> None:
    spec = server_spec()
    text = exports.own_text(spec, set())
    assert exports.parse(text) == set(exports.wanted(spec))
    assert "fsid=1" in text
    assert exports.own_text(spec, set(exports.wanted(spec))) == ""


def test_lvm_report() -> None:
    rows = lvm.rows_in(fixture("pvs-missing.json"), "pv")
    assert [row["pv_name"] for row in rows] == ["/dev/sdb", "[unknown]"]
    assert lvm.rows_in(json.dumps({"report": [{}]}), "pv") == []


@given(ANY)
def test_no_text_breaks_a_parser(text: str) -> None:
    iscsi.sessions_in(text)
    iscsi.records_in(text)
    mounts.parse(text)
    exports.parse(text)


@given(st.sets(st.tuples(st.just("/mnt/a"), st.sampled_from(["10.0.0.0/16", "*", "@group", "host-1"]))))
def test_exports_round_trip(pairs: set[tuple[str, str]]) -> None:
    text = "".join(f"{path} {client}(rw,fsid=1)\n" for path, client in sorted(pairs))
    assert exports.parse(text) == pairs
