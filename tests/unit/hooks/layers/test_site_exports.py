"""A site's own exports, however spelled: released by a table without them, judged by whom it serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks import walk
from hooks.contract.parse import parse
from hooks.contract.result import Layer
from hooks.contract.spec import ServerSpec
from hooks.layers import exports, fstab
from hooks.layers.served import served
from tests.unit.hooks.scripted_host import PlannedHost, fixture

MOUNTED = "22 1 254:0 / / rw - ext4 /dev/root rw\n88 22 253:0 / /mnt/a rw - xfs /dev/mapper/vg1-lv01 rw\n"
LISTENS = "  0: 00000000:0801 00000000:0000 0A 0\n"
SHOW = "systemctl show -p ActiveState,UnitFileState nfs-server"
RUNS = {"run": SHOW, "out": "ActiveState=active\nUnitFileState=enabled\n"}
RELOAD = {"run": "systemctl daemon-reload"}
# it is disabled, and systemd has not read its files again yet
AT_REST = {"run": SHOW, "out": "ActiveState=inactive\nUnitFileState=enabled\n"}
STOPPED = {"run": SHOW, "out": "ActiveState=inactive\nUnitFileState=disabled\n"}
CONTENT = "/proc/net/rpc/nfsd.export/content"
OPTIONS = "(sync,wdelay,hide,rw)"


def spec(*clients: str) -> ServerSpec:
    made = {"path": "/mnt/a", "clients": list(clients or ["10.0.0.0/16"]), "options": "rw,sync", "fsid": 1}
    found = parse(json.dumps({**json.loads(fixture("server-spec.json")), "exports": [made]}))
    assert isinstance(found, ServerSpec)
    return found


def table(*lines: str) -> dict[str, Any]:
    return {"run": "exportfs -s", "out": "".join(f"{line}{OPTIONS}\n" for line in lines)}


def host(root: Path, *commands: Any, files: dict[str, str] | None = None) -> PlannedHost:
    found = {
        "/proc/self/mountinfo": MOUNTED,
        "/proc/fs/nfsd/threads": "8\n",
        "/proc/net/tcp": LISTENS,
        **(files or {}),
    }
    return PlannedHost(str(root), {"files": found, "directories": ["/mnt/a/sub"], "commands": list(commands)})


def getent(name: str, *addresses: str) -> dict[str, Any]:
    lines = "".join(f"{address:15} STREAM {name}\n{address:15} DGRAM\n" for address in addresses)
    return {"run": f"getent ahosts {name}", "out": lines, "code": 0 if addresses else 2}


def done(made: PlannedHost, action: str, wanted: ServerSpec) -> Layer:
    (layer,) = getattr(walk, action)(made, wanted, ["nfs"])
    made.finish()
    assert isinstance(layer, Layer)
    return layer


@pytest.mark.parametrize(
    ("client", "entry"),
    [
        ("10.0.0.0/16", "10.0.0.0/255.255.0.0"),
        ("10.0.0.0/255.255.0.0", "10.0.0.0/16"),
        ("10.0.0.0/16", "10.0.0.0/8"),
        ("10.0.0.0/16", "*"),
        ("10.0.0.21", "10.0.0.0/16"),
        ("10.0.0.21", "10.0.0.21/32"),
        ("2001:db8::21", "2001:db8::/64"),
        ("@trusted", "@trusted"),
        ("*.Lab", "*.lab"),
        ("*", "*"),
    ],
)
def test_an_entry_covers_a_client_without_a_name_service(client: str, entry: str, tmp_path: Path) -> None:
    assert served(host(tmp_path), ("/mnt/a", client), [("/mnt/a", entry)]) is True


@pytest.mark.parametrize(
    ("client", "entry"),
    [
        ("10.0.0.0/16", "10.0.0.0/17"),
        ("10.0.0.0/16", "10.1.0.0/16"),
        ("*", "10.0.0.0/8"),
        ("@trusted", "@others"),
        ("2001:db8::/64", "10.0.0.0/8"),
        ("10.0.0.0/16", "gss/krb5"),
        ("gss/krb5i", "10.0.0.0/16"),
    ],
)
def test_an_entry_that_is_less_or_another_does_not(client: str, entry: str, tmp_path: Path) -> None:
    assert served(host(tmp_path), ("/mnt/a", client), [("/mnt/a", entry)]) is False


def test_a_short_name_is_its_full_name(tmp_path: Path) -> None:
    lookups = [getent("nfs-cli", "10.0.0.21"), getent("nfs-cli.lab", "10.0.0.21")]
    made = host(tmp_path, *lookups)
    assert served(made, ("/mnt/a", "nfs-cli"), [("/mnt/a", "nfs-cli.lab")]) is True
    made.finish()


def test_an_address_is_the_name_that_the_table_has_for_it(tmp_path: Path) -> None:
    made = host(tmp_path, getent("nfs-cli.lab", "10.0.0.21"))
    assert served(made, ("/mnt/a", "10.0.0.21"), [("/mnt/a", "nfs-cli.lab")]) is True


def test_another_host_is_not_served(tmp_path: Path) -> None:
    lookups = [getent("nfs-cli", "10.0.0.21"), getent("gone.lab", "10.0.0.22")]
    assert served(host(tmp_path, *lookups), ("/mnt/a", "nfs-cli"), [("/mnt/a", "gone.lab")]) is False


def test_a_name_without_an_address_is_not_known(tmp_path: Path) -> None:
    assert served(host(tmp_path, getent("gone")), ("/mnt/a", "gone"), [("/mnt/a", "other.lab")]) is None


def test_a_name_service_that_hangs_costs_seconds(tmp_path: Path) -> None:
    made = host(tmp_path, {"run": "getent ahosts gone", "hangs": True})
    assert served(made, ("/mnt/a", "gone"), [("/mnt/a", "other.lab")]) is None
    assert made.clock <= 5


def kept(wanted: ServerSpec, own: str) -> dict[str, str]:
    """Our files, as a takeover has left them."""
    return {exports.OWN: own, exports.ORDER: exports.order(wanted, own)}


# as `systemd-escape --path --suffix=mount` of systemd 252 prints them
UNITS = [
    ("/mnt/a", "mnt-a.mount"),
    ("/mnt/a-b/.c", r"mnt-a\x2db-.c.mount"),
    ("/.x", r"\x2ex.mount"),
    ("/mnt/\u00e9", r"mnt-\xc3\xa9.mount"),
    ("/a.b/c:d_e", "a.b-c:d_e.mount"),
]


@pytest.mark.parametrize(("mount", "unit"), UNITS)
def test_nfsd_is_ordered_after_the_mounts_of_our_exports(mount: str, unit: str) -> None:
    made = spec("10.0.0.0/16")
    made = made._replace(
        filesystems=tuple(one._replace(mount=mount) for one in made.filesystems),
        exports=tuple(one._replace(path=mount + "/sub") for one in made.exports),
    )
    text = exports.order(made, exports.own_text(made, set()))
    assert text.splitlines()[1:] == ["[Unit]", "After=" + unit]
    assert exports.order(made, "") == ""


def test_a_takeover_that_serves_the_short_name_is_present(tmp_path: Path) -> None:
    wanted = spec("nfs-cli")
    own = exports.own_text(wanted, set())
    lookups = [getent("nfs-cli", "10.0.0.21"), getent("nfs-cli.lab", "10.0.0.21")]
    made = host(tmp_path, RUNS, table("/mnt/a  nfs-cli.lab"), *lookups, files=kept(wanted, own))
    assert done(made, "check", wanted).state == "present"


def test_one_client_without_an_address_does_not_decide_over_the_service(tmp_path: Path) -> None:
    wanted = spec("10.0.0.0/16", "gone")
    own = exports.own_text(wanted, set())
    made = host(tmp_path, RUNS, table("/mnt/a  10.0.0.0/16"), getent("gone"), files=kept(wanted, own))
    layer = done(made, "check", wanted)
    assert (layer.state, "not exported to gone, a name without an address" in layer.message) == (
        "present",
        True,
    )
    made = host(tmp_path, RUNS, table(), getent("gone"), files=kept(wanted, own))
    assert done(made, "check", spec("gone")).state == "broken"


SITES = [
    ("/mnt/a nfs-cli(rw)\n", ["/mnt/a  nfs-cli.lab"], ["nfs-cli.lab:/mnt/a"]),
    ("/mnt/a/ (rw,no_root_squash)\n", ["/mnt/a  <world>"], ["*:/mnt/a"]),
    ("/mnt/a\n", ["/mnt/a  *"], ["*:/mnt/a"]),
    (
        "/mnt/a/sub 10.0.0.0/255.255.0.0(rw,insecure_locks) \\\n  @trusted(ro)\n",
        ["/mnt/a/sub  10.0.0.0/255.255.0.0", "/mnt/a/sub  @trusted"],
        ["10.0.0.0/255.255.0.0:/mnt/a/sub", "@trusted:/mnt/a/sub"],
    ),
    ('"/mnt/a" *.lab(rw)\n', ["/mnt/a  *.lab"], ["*.lab:/mnt/a"]),
    ("/mnt/a 2001:db8::/64(rw)\n", ["/mnt/a  2001:db8::/64"], ["[2001:db8::/64]:/mnt/a"]),
]


@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize(("line", "shown", "unexported"), SITES)
def test_a_release_ends_with_a_table_without_the_path(
    line: str, shown: list[str], unexported: list[str], other: bool, tmp_path: Path
) -> None:
    """And the line, taken out of the site's own file, comes back to the byte with the next takeover here."""
    keeps = "/srv/other *(ro)\n"
    others = ["/srv/other  *"] if other else []
    ends = (
        [{"run": "exportfs -f"}, RUNS]
        if other
        else [
            RUNS,
            {"run": "systemctl disable --no-reload nfs-server"},
            {"run": "systemctl stop nfs-server", "then": {"files": {"/proc/fs/nfsd/threads": "0\n"}}},
            AT_REST,
        ]
    )
    reload = [] if other else [RELOAD]
    steps = [table(*shown, *others), *({"run": f"exportfs -u {name}"} for name in unexported), *ends]
    made = host(tmp_path, *steps, table(*others), *reload, files={"/etc/exports": keeps + line})
    layer = done(made, "release", spec())
    assert (layer.state, layer.changed) == ("absent", True), layer.message
    left = made.read("/etc/exports") or ""
    assert left.startswith(keeps)
    assert exports.parse(left) == {("/srv/other", "*")}
    assert fstab.restore(left) == keeps + line


def test_a_line_by_another_path_to_it_is_put_off_too(tmp_path: Path) -> None:
    stop = {"run": "systemctl stop nfs-server", "then": {"files": {"/proc/fs/nfsd/threads": "0\n"}}}
    off = {"run": "systemctl disable --no-reload nfs-server"}
    steps = [table("/mnt/a  *"), {"run": "exportfs -u *:/mnt/a"}, RUNS, off, stop, AT_REST, table(), RELOAD]
    made = host(tmp_path, *steps, files={"/etc/exports.d/site.exports": "/export *(rw)\n"})
    made.change({"links": {"/export": "mnt/a"}})
    assert done(made, "release", spec()).state == "absent"
    assert exports.parse(made.read("/etc/exports.d/site.exports") or "") == set()


@pytest.mark.parametrize("left", ["/mnt/a\tnfs-cli.lab(rw,sync)\n", "/mnt/a/sub\t10.0.0.0/8(rw)\n"])
def test_what_the_kernel_still_exports_is_not_released(left: str, tmp_path: Path) -> None:
    content = "#path domain(flags)\n" + left
    made = host(tmp_path, STOPPED, table(), files={CONTENT: content})
    assert done(made, "check", spec()).state == "broken"
    gone = f"#path domain(flags)\n# {left}/srv/other\t*(ro)\n"
    made = host(tmp_path, STOPPED, table("/srv/other  *"), files={CONTENT: gone})
    assert done(made, "check", spec()).state == "absent"


def test_a_takeover_restores_the_site_s_own_line_and_its_options(tmp_path: Path) -> None:
    off = fstab.OFF + "/mnt/a 10.0.0.0/255.255.0.0(rw,no_root_squash)\n"
    steps = [RUNS, table(), {"run": "exportfs -ra"}]
    made = host(tmp_path, *steps, RUNS, table("/mnt/a  10.0.0.0/16"), RELOAD, files={"/etc/exports": off})
    layer = done(made, "apply", spec())
    assert layer.state == "present", layer.message
    assert made.read("/etc/exports") == "/mnt/a 10.0.0.0/255.255.0.0(rw,no_root_squash)\n"
    assert made.read(exports.OWN) is None


LINES = st.lists(
    st.sampled_from(["/mnt/a", '"/mnt/a"', " ", "*(rw)", "-ro", "#", "\\\n", "\n", "h(rw)", "/srv", "\\040"]),
    max_size=14,
).map("".join)


@given(LINES | st.text(max_size=60))
def test_what_is_put_off_is_exported_no_more_and_comes_back(text: str) -> None:
    whole = text if text.endswith("\n") else text + "\n"
    off = exports.put_off(whole, lambda path: exports.concerned(spec(), path))
    assert not [path for path, _ in exports.parse(off) if exports.concerned(spec(), path)]
    assert fstab.restore(off) == fstab.restore(whole)
    assert exports.put_off(off, lambda path: exports.concerned(spec(), path)) == off
