"""A client's lines and names, as pure functions: what is read of a file, and what an edit leaves alone."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hooks.client import judgement, mount_tree, site_names
from hooks.client.cut import Cutter
from hooks.client.edit import after, edit
from hooks.client.lines import automaps, mount_units
from hooks.client.lines import fstab as client_fstab
from hooks.client.lines.automaps import Map
from hooks.client.view import ClientView
from hooks.contract.client_spec import ClientSpec, ExportMount, KnownServer
from hooks.host import mounts
from tests.unit.hooks.scripted_host import PlannedHost, fixture

SPEC = ClientSpec(
    120,
    "remount",
    "s2",
    (KnownServer("s1", "nfs-srv-1", ("10.0.0.11",)), KnownServer("s2", "nfs-srv-2", ("10.0.0.12",))),
    (),
    ("/mnt/a",),
    None,
    (ExportMount("/mnt/a", "/mnt/nfs/a"),),
)
RESOLVES = {"nfs-srv-1": ["10.0.0.11"], "nfs-srv-2": ["10.0.0.12"], "files": ["10.0.0.11"]}
ROOT = "22 1 254:0 / / rw shared:1 - ext4 /dev/root rw\n"
WORDS = st.sampled_from(
    [
        *("nfs-srv-1:/mnt/a", "10.0.0.11:/mnt//a/", "FILES.:/mnt/a", "other:/mnt/a", "/mnt/nfs/a", "/mnt/b"),
        *("nfs", "#", "defaults,addr=10.0.0.11", "0", "ro", "nfs4", "\040", "none"),
    ]
)
LINES = st.lists(WORDS, max_size=7).map(" ".join) | st.text(max_size=20)
TABLES = st.lists(LINES, max_size=6).map("\n".join) | st.lists(LINES, max_size=4).map("\r\n".join)


def view(root: Path, fstab: str, **case: Any) -> ClientView:
    files = {"/etc/fstab": fstab, "/proc/self/mountinfo": ROOT, **case.pop("files", {})}
    return ClientView(PlannedHost(str(root), {"files": files, "resolves": RESOLVES, **case}), SPEC)


def edited(root: Path, fstab: str) -> str:
    host = PlannedHost(str(root), {"files": {"/etc/fstab": fstab}, "resolves": RESOLVES})
    seen = view(root, fstab)
    edit(host, seen, seen.places)
    return host.read("/etc/fstab") or ""


def test_the_manual_s_edit_on_a_client(tmp_path: Path) -> None:
    oracle = fixture("fstab-oracle-linux.txt")
    assert edited(tmp_path, oracle) == oracle.replace("nfs-srv-1:", "nfs-srv-2:")


@pytest.mark.parametrize(
    "line",
    [
        "nfs-srv-10:/mnt/a /mnt/nfs/a nfs defaults 0 0\n",
        "nfs-srv-1:/mnt/a /mnt/nfs/ab nfs defaults 0 0\n",
        "#nfs-srv-1:/mnt/a /mnt/nfs/a nfs defaults 0 0\n",
        " # nfs-srv-1:/mnt/a /mnt/nfs/a nfs defaults 0 0\n",
        "nfs-srv-1:/mnt/a /mnt/nfs/a\n",
    ],
)
def test_a_line_that_only_resembles_stays(line: str, tmp_path: Path) -> None:
    assert edited(tmp_path, line) == line


@example("none /mnt/nfs/a nfs defaults,addr=10.0.0.11\n")
@given(TABLES)
def test_an_edit_changes_hosts_only_and_once(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.mktemp("edit")
    once = edited(root, text)
    assert edited(root, once) == once
    places = [
        (before, now) for before, now in zip(text.split("\n"), once.split("\n"), strict=True) if before != now
    ]
    for before, now in places:
        assert "/mnt/nfs/a" in before.split()[1]
        for old in ("nfs-srv-1:", "10.0.0.11", "FILES.:"):
            before, now = before.replace(old, "X"), now.replace(old, "X")  # noqa: PLW2901
        assert before.replace("X", "") == now.replace("nfs-srv-2:", "").replace("10.0.0.12", "").replace(
            "X", ""
        )


def test_fields_of_fstab() -> None:
    text = "\thost:/a\\040b  /mnt/c\\011d\tnfs4\r\n# x:/y /z nfs\nx:/y /z\nnone swap swap\nq:/r /s nfs ro,bg"
    found = client_fstab.lines(text)
    assert [(item.source, item.mount, item.type, item.options) for item in found] == [
        ("host:/a b", "/mnt/c\td", "nfs4", ""),
        ("none", "swap", "swap", ""),
        ("q:/r", "/s", "nfs", "ro,bg"),
    ]
    assert [text[slice(*item.source_at)] for item in found] == ["host:/a\\040b", "none", "q:/r"]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("NFS-srv-1.:/mnt//a/", ("nfs-srv-1", "/mnt/a")),
        ("[FD00:0::1]:/", ("fd00::1", "/")),
        (":/mnt/a", ("", "/mnt/a")),
        ("/dev/sda1", None),
        ("UUID=1", None),
        ("//cifs/share", None),
        ("nfs://host/mnt/a", ("nfs", "/host/mnt/a")),
    ],
)
def test_sources(text: str, source: "tuple[str, str] | None") -> None:
    assert site_names.source_of(text) == source


def test_a_unit_s_settings_are_those_of_its_section_the_last_one_counts() -> None:
    text = "[Unit]\nWhat=no\n[Mount]\nWhat=a:/b\r\n What = c:/d \nOptions=\n[Install]\nWhere=/no\n"
    found = mount_units.settings("f", text)
    assert {key: item.value for key, item in found.items()} == {"What": "c:/d", "Options": ""}
    assert text[slice(*found["What"].at)] == "c:/d"


def test_masters_name_files_and_other_things() -> None:
    names = [
        "/etc/auto.a",
        "file:/etc/auto.a",
        "file,sun:/etc/auto.a",
        "yp:auto.a",
        "-hosts",
        "program:/x",
        "auto.a",
    ]
    assert [Map("/m", name).file for name in names] == ["/etc/auto.a"] * 3 + [""] * 4


def test_entries_of_a_map() -> None:
    text = 'a -rw h:/a\nb h:/b /sub h:/c\n"c d" h:/c\n* -fstype=nfs4,ro h:/x/& # all\n+auto.more\n'
    found = automaps.map_lines(Map("/m", "/etc/auto.m"), text, ["/m/z", "/m/a", "/other/q"])
    by = {item.mount: item for item in found}
    assert (by["/m/a"].source, by["/m/a"].options, by["/m/a"].fixed) == ("h:/a", "rw", "")
    assert by["/m/b"].fixed
    assert (by["/m/z"].source, by["/m/z"].type) == ("h:/x/z", "nfs4")
    assert "/other/q" not in by


def test_a_path_leads_to_the_uppermost_mount_that_users_reach() -> None:
    lines = [
        ROOT,
        "30 22 0:30 / /data/p rw - nfs4 s:/p rw\n",
        "31 22 0:31 / /data rw - nfs4 s:/a rw\n",
        "32 31 0:32 / /data/q rw - nfs4 s:/q rw\n",
        "33 32 0:33 / /data/q rw - nfs4 s:/r rw\n",
    ]
    table = mounts.parse("".join(lines))
    seen = [mount_tree.top(table, path) for path in ("/", "/data", "/data/p", "/data/q/x", "/database")]
    assert [item.id if item else None for item in seen] == ["22", "31", "31", "33", "22"]
    assert mount_tree.mounted_at(table, "/data/p") is None
    assert mount_tree.top([], "/data") is None


def test_links_are_followed_up_to_the_first_network_filesystem(tmp_path: Path) -> None:
    links = {"/data": "/srv/../mnt/x", "/mnt/x/deep": "/never", "/loop": "/loop"}
    host = PlannedHost(str(tmp_path), {"links": {"/data": links["/data"], "/loop": "/loop"}})
    table = mounts.parse(ROOT + "30 22 0:30 / /mnt/x rw - nfs4 s:/p rw\n")
    assert mount_tree.real_path(host, table, "/data/deep") == "/mnt/x/deep"
    assert mount_tree.real_path(host, table, "/no/such") == "/no/such"
    assert mount_tree.real_path(host, table, "/loop") == "/loop"


def test_an_unknown_address_of_a_mount_is_judged_by_its_name(tmp_path: Path) -> None:
    mounted = "92 22 0:41 / /mnt/nfs/a rw - nfs4 nfs-srv-1:/mnt/a rw,addr=192.0.2.1\n"
    seen = view(tmp_path, "", files={"/proc/self/mountinfo": ROOT + mounted})
    assert seen.node_owner(seen.nfs[0]) == "s1"


def test_what_a_line_will_say(tmp_path: Path) -> None:
    seen = view(tmp_path, "files:/mnt/a /mnt/nfs/a nfs rw,mounthost=files,port=2049 0 0\n")
    assert after(seen, seen.lines[0]) == ("nfs-srv-2:/mnt/a", "rw,mounthost=nfs-srv-2,port=2049")


def judged(root: Path, fstab: str = "", **files: str) -> "list[str]":
    return judgement.refusals(view(root, fstab, files=files))


@pytest.mark.parametrize(
    "line",
    [
        r"nfs\055srv-1:/mnt/a /mnt/nfs/a nfs defaults 0 0",
        r"nfs-srv-1\072/mnt/a /mnt/nfs/a nfs defaults 0 0",
        r"nfs-srv-1:/mnt/a /mnt/nfs/a nfs addr=10\0560.0.11 0 0",
    ],
)
def test_a_server_in_escapes_is_refused_beforehand_and_not_when_it_is_edited(
    line: str, tmp_path: Path
) -> None:
    assert judged(tmp_path, line + "\n") == [
        "/mnt/nfs/a: /etc/fstab names nfs-srv-1:/mnt/a; its server is spelled with escapes: write the name "
        "or the address plainly"
    ]
    assert not judged(tmp_path, "nfs-srv-1:/mnt/a /mnt/nfs\\057a nfs comment=\\040,addr=10.0.0.11\n")[1:]


UNIT = "[Mount]\nWhat=nfs-srv-1:/mnt/a\nWhere=/mnt/nfs/a\nOptions=rw\n"
OURS = "/etc/systemd/system/mnt-nfs-a.mount"


@pytest.mark.parametrize(
    ("files", "file"),
    [
        ({OURS: UNIT, OURS + ".d/x.conf": "[Mount]\nOptions=soft\n"}, OURS),
        (
            {
                "/usr/lib/systemd/system/mnt-nfs-a.mount": UNIT,
                OURS + ".d/x.conf": "[Mount]\nWhat=\nWhat=nfs-srv-1:/mnt/a\n",
            },
            OURS + ".d/x.conf",
        ),
        ({OURS: UNIT.replace("Where=/mnt/nfs/a", "Where=%I")}, OURS),
        ({OURS: "  " + UNIT + "\t[Install]\nWhat=no:/x\n"}, OURS),
        ({OURS: UNIT, OURS + ".d/x.conf/y": "a folder"}, OURS),
    ],
)
def test_a_unit_s_source_is_edited_where_it_stands(
    files: "dict[str, str]", file: str, tmp_path: Path
) -> None:
    seen = view(tmp_path, "", files=files)
    assert judgement.refusals(seen) == []
    host = PlannedHost(str(tmp_path), {"files": files, "resolves": RESOLVES})
    edit(host, seen, seen.places)
    changed = {
        name for name in files if (host.read(name) if not name.endswith("/y") else files[name]) != files[name]
    }
    assert changed == {file}
    assert "What=nfs-srv-2:/mnt/a\n" in (host.read(file) or "")


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (("What=nfs-srv-1:/mnt/a", "What=\\\nnfs-srv-1:/mnt/a"), "write each plainly, in one line"),
        (("What=nfs-srv-1", "What=%j"), "write each plainly, in one line"),
    ],
)
def test_a_unit_that_cannot_be_edited_is_no_mount_by_hand(
    change: "tuple[str, str]", remedy: str, tmp_path: Path
) -> None:
    refused = judged(tmp_path, **{OURS: UNIT.replace(*change)})
    assert len(refused) == 1
    assert OURS in refused[0]
    assert refused[0].endswith(remedy)


def test_a_server_in_two_files_of_a_unit_is_refused_with_what_to_do(tmp_path: Path) -> None:
    files = {OURS: UNIT, OURS + ".d/x.conf": "[Mount]\nOptions=addr=10.0.0.11\n"}
    assert judged(tmp_path, **files)[0].endswith(
        "put both into one (`systemctl edit --full mnt-nfs-a.mount`)"
    )


def test_a_path_in_a_unit_s_name() -> None:
    assert mount_units.path_of("mnt-nfs\\x2dgpu-a\\x20b.mount") == "/mnt/nfs-gpu/a b"


@pytest.mark.parametrize(
    "place", ["nfs-srv-1(1):/mnt/a", "$HOST:/mnt/a", "nfs-srv-1,nfs-srv-2:/mnt/a", "&:/mnt/a"]
)
def test_an_entry_of_autofs_that_no_edit_fits_is_refused_with_what_to_write(
    place: str, tmp_path: Path
) -> None:
    files = {"/etc/auto.master": "/mnt/nfs /etc/auto.nfs\n", "/etc/auto.nfs": f"a -rw {place}\n"}
    refused = judged(tmp_path, **files)
    assert len(refused) == 1
    assert refused[0].startswith(f"/mnt/nfs/a: /etc/auto.nfs has {place.replace('&', 'a')}")
    assert refused[0].endswith("write it with one, HOST:/PATH")


def test_an_overlay_over_a_mount_is_named_and_its_layers_known(tmp_path: Path) -> None:
    table = (
        ROOT
        + "92 22 0:41 / /mnt/nfs/a rw - nfs4 nfs-srv-1:/mnt/a rw,addr=10.0.0.11\n"
        + "93 22 0:42 / /merged rw - overlay overlay rw,lowerdir=/x:/mnt/nfs/a/sw,upperdir=/u\n"
        + "94 22 0:43 / /other rw - overlay overlay rw,lowerdir=/mnt/nfs/ab,upperdir=/u,workdir=/w\n"
    )
    seen = view(tmp_path, "nfs-srv-1:/mnt/a /mnt/nfs/a nfs\n", files={"/proc/self/mountinfo": table})
    assert judgement.warnings(seen) == [
        "/merged: overlay goes away with the old server's mount; no line of fstab brings it back: restart "
        "what made it"
    ]


def test_an_overlay_that_fstab_brings_back_is_cut_with_the_mount_below_it(tmp_path: Path) -> None:
    overlay = "93 22 0:42 / /merged rw - overlay overlay rw,lowerdir=/mnt/nfs/a/sw\n"
    fstab = "overlay /merged overlay lowerdir=/mnt/nfs/a/sw 0 0\n"
    case = {
        "files": {"/etc/fstab": fstab, "/proc/self/mountinfo": ROOT + overlay},
        "commands": [{"run": "umount -f -l /merged", "then": {"files": {"/proc/self/mountinfo": ROOT}}}],
    }
    host = PlannedHost(str(tmp_path), case)
    cutter = Cutter(host, ClientView(host, SPEC))
    came = cutter.cut_dependents(mounts.parse(overlay))
    cutter.finish()
    assert came.errors == []
    assert host.read("/proc/self/mountinfo") == ROOT
