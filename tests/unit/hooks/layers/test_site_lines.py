"""A site's own lines of fstab, however they are spelled: released, put back with options, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hooks import walk
from hooks.contract.parse import parse
from hooks.contract.result import Layer
from hooks.contract.spec import ServerSpec
from hooks.layers import filesystem, fstab
from tests.unit.hooks.scripted_host import PlannedHost, fixture

UUID = "0f3b1b5c-6f1e-4b0e-9c3c-8d0c5a7e1f10"
ROOT = "22 1 254:0 / / rw - ext4 /dev/root rw\n"
MOUNTED = ROOT + "88 22 253:0 / /mnt/a rw,relatime - xfs /dev/mapper/vg1-lv01 rw\n"
LINKS = {
    "/dev/vg1/lv01": "../dm-0",
    "/dev/mapper/vg1-lv01": "../dm-0",
    f"/dev/disk/by-uuid/{UUID}": "../../dm-0",
    "/dev/disk/by-label/blockvolume": "../../dm-0",
    "/dev/disk/by-label/my\\x20data": "../../dm-0",
    "/dev/disk/by-id/dm-name-vg1-lv01": "../../dm-0",
    "/dev/disk/by-partuuid/1f513b3e-dab5": "../../dm-0",
    "/dev/disk/by-partlabel/data": "../../dm-0",
    "/dev/oracleoci/oraclevdb": "../dm-0",
}
SOURCES = [
    "/dev/vg1/lv01",
    "/dev/mapper/vg1-lv01",
    "/dev/dm-0",
    f"UUID={UUID}",
    f"UUID={UUID.upper()}",
    f'UUID="{UUID}"',
    "LABEL=blockvolume",
    'LABEL="blockvolume"',
    "LABEL=my\\040data",
    "PARTUUID=1F513B3E-dab5",
    "PARTLABEL=data",
    "ID=dm-name-vg1-lv01",
    f"/dev/disk/by-uuid/{UUID}",
    "/dev/disk/by-id/dm-name-vg1-lv01",
    "/dev/oracleoci/oraclevdb",
]
CAPITALS = (f"UUID={UUID.upper()}", "PARTUUID=1F513B3E-dab5")  # mount(8) does not mind; systemd does
POINTS = ["/mnt/a", "/mnt/a/", "//mnt/a"]
BLKID = {"run": "blkid -p -o export /dev/vg1/lv01", "out": "@blkid-export.txt"}
RELOAD = {"run": "systemctl daemon-reload"}


def spec(**changes: Any) -> ServerSpec:
    found = parse(json.dumps({**json.loads(fixture("server-spec.json")), **changes}))
    assert isinstance(found, ServerSpec)
    return found


def host(root: Path, table: str, *commands: Any, mounts: str = ROOT, here: bool = True) -> PlannedHost:
    """`here`: the volume's device is on this host."""
    return PlannedHost(
        str(root),
        {
            "files": {"/dev/dm-0": "", "/dev/sdz": "", "/proc/self/mountinfo": mounts, "/etc/fstab": table},
            "links": LINKS if here else {"/dev/disk/by-label/other": "../../sdz"},
            "directories": ["/mnt/a"],
            "commands": list(commands),
        },
    )


def umount(where: str, left: str = ROOT) -> dict[str, Any]:
    return {"run": f"umount {where}", "then": {"files": {"/proc/self/mountinfo": left}}}


MOUNT = {"run": "mount /mnt/a", "then": {"files": {"/proc/self/mountinfo": MOUNTED}}}


def done(made: PlannedHost, action: str, wanted: ServerSpec | None = None) -> Layer:
    (layer,) = getattr(walk, action)(made, wanted or spec(), ["filesystem"])
    made.finish()
    assert isinstance(layer, Layer)
    return layer


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_release_takes_the_line_out_however_it_is_spelled(source: str, point: str, tmp_path: Path) -> None:
    line = f"{source}\t{point}\txfs\tdefaults\t0 0\n"
    other = "UUID=9 /mnt/b xfs defaults 0 0\n"
    made = host(tmp_path, line + other, umount("/mnt/a"), RELOAD, mounts=MOUNTED)
    layer = done(made, "release")
    assert (layer.state, layer.changed) == ("absent", True), layer.message
    assert made.read(fstab.PATH) == "#" + line + other


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_takeover_keeps_the_site_s_options(source: str, point: str, tmp_path: Path) -> None:
    """The line stays as it is spelled; it gets what keeps a server without volumes from a hang in boot."""
    made = host(tmp_path, f"{source} {point} xfs noatime,prjquota 0 2\n", BLKID, MOUNT)
    assert done(made, "apply").state == "present"
    entry = f"{source} {point} xfs noatime,prjquota,_netdev,nofail 0 2"
    if source in ("/dev/dm-0", *CAPITALS):  # another boot gives that name to another device
        entry = "/dev/vg1/lv01 /mnt/a xfs noatime,prjquota,_netdev,nofail 0 0"
    assert made.read(fstab.PATH) == f"{fstab.MARK}\n{entry}\n"


@pytest.mark.parametrize("source", [source for source in SOURCES if source not in CAPITALS])
def test_a_line_that_has_all_stays_to_the_byte(source: str, tmp_path: Path) -> None:
    line = f"{source}  /mnt/a/ auto rw,nofail,_netdev,noatime 0 0\n"
    made = host(tmp_path, line, mounts=MOUNTED)
    layer = done(made, "apply")
    assert (layer.state, layer.changed) == ("present", False), layer.message
    assert made.read(fstab.PATH) == line


@pytest.mark.parametrize("source", ["LABEL=gone", "UUID=1-2", "/dev/sdq1", "/dev/oldvg/oldlv"])
def test_a_line_that_leads_nowhere_on_our_mount_point_is_replaced(source: str, tmp_path: Path) -> None:
    made = host(tmp_path, f"{source} /mnt/a xfs defaults 0 0\n", BLKID, MOUNT)
    assert done(made, "apply").state == "present"
    assert fstab.active_sources(made.read(fstab.PATH) or "", "/mnt/a") == ["/dev/vg1/lv01"]


@pytest.mark.parametrize("source", [*SOURCES, "LABEL=gone"])
def test_a_target_without_the_device_accepts_the_line_beforehand(source: str, tmp_path: Path) -> None:
    made = host(tmp_path, f"{source} /mnt/a/ xfs defaults 0 0\n", here=False)
    if source != "/dev/dm-0":
        assert filesystem.refusals(made, spec()) == []


@pytest.mark.parametrize(
    "line",
    [
        "LABEL=other /mnt/a/ xfs defaults 0 0",
        "/dev/sdz /mnt/a xfs defaults 0 0",
        "nfs-srv-1:/mnt/a /mnt/a nfs defaults 0 0",
        "tmpfs /mnt/a tmpfs defaults 0 0",
        "/srv/a /mnt/a none bind 0 0",
    ],
)
def test_a_target_that_mounts_something_else_there_refuses_beforehand(line: str, tmp_path: Path) -> None:
    made = host(tmp_path, line + "\n", here=False)
    (text,) = filesystem.refusals(made, spec())
    assert f"/mnt/a: fstab mounts {line.split(maxsplit=1)[0]} there, expected /dev/vg1/lv01; correct" in text
    assert done(made, "apply").message == text
    assert made.read(fstab.PATH) == line + "\n"


def test_a_clone_with_the_same_uuid_takes_no_line_away(tmp_path: Path) -> None:
    """udev gives the link to one of them: the line is ours by what is on the volume, and gets its path."""
    made = host(tmp_path, f"UUID={UUID} /mnt/a xfs defaults 0 0\n", BLKID, MOUNT)
    made.change({"links": {f"/dev/disk/by-uuid/{UUID}": "../../sdz"}})
    assert done(made, "apply").state == "present"
    assert fstab.active_sources(made.read(fstab.PATH) or "", "/mnt/a") == ["/dev/vg1/lv01"]


def test_bind_mounts_and_second_mount_points_go_and_come_back(tmp_path: Path) -> None:
    inside = "90 88 253:0 /home /srv/home rw - xfs /dev/mapper/vg1-lv01 rw\n"
    onto = "91 88 254:0 /opt /mnt/a/opt rw - ext4 /dev/root rw\n"
    more = "/mnt/a/home /srv/home none bind 0 0\nLABEL=blockvolume /srv/again xfs defaults 0 0\n"
    table = "/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0\n" + more
    steps = [
        umount("/mnt/a/opt", MOUNTED + inside),
        umount("/srv/home", MOUNTED),
        umount("/mnt/a"),
        RELOAD,
    ]
    made = host(tmp_path / "1", table, *steps, mounts=MOUNTED + inside + onto)
    assert done(made, "release").state == "absent"
    off = made.read(fstab.PATH) or ""
    assert [line for line in fstab.lines(off) if line.active] == []
    back = [MOUNT, {"run": "mount /srv/home"}, {"run": "mount /srv/again"}]
    made = host(tmp_path / "2", off, BLKID, *back)
    assert done(made, "apply").state == "present"
    assert made.read(fstab.PATH) == f"{fstab.MARK}\n{table}"


def test_another_filesystem_below_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    inside = "90 88 0:50 / /mnt/a/tmp rw - tmpfs none rw\n91 88 253:0 /x /srv/x rw - xfs /dev/dm-0 rw\n"
    table = "/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0\n"
    made = host(tmp_path, table, mounts=MOUNTED + inside)
    assert filesystem.obstacles(made, spec()) == [
        "/mnt/a: found mounted below it: /mnt/a/tmp; unmount that first"
    ]
    layer = done(made, "release")
    assert (layer.state, "/mnt/a/tmp; unmount that first" in layer.message) == ("broken", True)
    assert made.read(fstab.PATH) == table


def test_a_filesystem_of_the_spec_below_another_goes_first_and_comes_last(tmp_path: Path) -> None:
    inner = {"volume_group": "vg1", "logical_volume": "lv02", "mount": "/mnt/a/in", "uuid": None}
    outer = {"volume_group": "vg1", "logical_volume": "lv01", "mount": "/mnt/a", "uuid": None}
    wanted = spec(filesystems=[inner, outer], exports=[])
    below = "90 88 253:1 / /mnt/a/in rw - xfs /dev/mapper/vg1-lv02 rw\n"
    made = host(tmp_path / "1", "", umount("/mnt/a/in", MOUNTED), umount("/mnt/a"), mounts=MOUNTED + below)
    assert done(made, "release", wanted).state == "absent"
    probes = [{**BLKID, "run": f"blkid -p -o export /dev/vg1/lv0{n}"} for n in (2, 1)]
    inside = {"run": "mount /mnt/a/in", "then": {"files": {"/proc/self/mountinfo": MOUNTED + below}}}
    made = host(tmp_path / "2", "", *probes, MOUNT, inside, RELOAD)
    made.change({"files": {"/dev/dm-1": ""}, "links": {"/dev/vg1/lv02": "../dm-1"}})
    assert done(made, "apply", wanted).state == "present"


def test_what_the_first_boot_put_off_comes_back_with_the_filesystem_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    """cloud-init's bootcmd: a line of another disk that this server does not have stays off."""
    other = f"{fstab.OFF}LABEL=elsewhere /srv/other xfs defaults 0 0\n"
    own = f"{fstab.OFF}LABEL=blockvolume /mnt/a/ xfs defaults,_netdev,noatime 0 0\n"
    bind = "/mnt/a/home /srv/home none bind 0 0\n"
    made = host(tmp_path, other + own + fstab.OFF + bind, BLKID, MOUNT, {"run": "mount /srv/home"})
    assert done(made, "apply").state == "present"
    entry = "LABEL=blockvolume /mnt/a/ xfs defaults,_netdev,noatime,nofail 0 0\n"
    assert made.read(fstab.PATH) == f"{other}{fstab.MARK}\n{entry}{bind}"


def test_a_bind_mount_waits_for_the_filesystem_that_lies_in_another_one(tmp_path: Path) -> None:
    """Earlier it would be of the outer one's folder, which is empty."""
    inner = {"volume_group": "vg1", "logical_volume": "lv02", "mount": "/mnt/a/in", "uuid": None}
    outer = {"volume_group": "vg1", "logical_volume": "lv01", "mount": "/mnt/a", "uuid": None}
    below = "90 88 253:1 / /mnt/a/in rw - xfs /dev/mapper/vg1-lv02 rw\n"
    probes = [{**BLKID, "run": f"blkid -p -o export /dev/vg1/lv0{n}"} for n in (1, 2)]
    inside = {"run": "mount /mnt/a/in", "then": {"files": {"/proc/self/mountinfo": MOUNTED + below}}}
    bound = MOUNTED + below + "91 22 253:1 / /srv/in rw - xfs /dev/mapper/vg1-lv02 rw\n"
    bind = {"run": "mount /srv/in", "then": {"files": {"/proc/self/mountinfo": bound}}}
    made = host(tmp_path, "/mnt/a/in /srv/in none bind 0 0\n", *probes, MOUNT, inside, bind, RELOAD)
    made.change({"files": {"/dev/dm-1": ""}, "links": {"/dev/vg1/lv02": "../dm-1"}})
    assert done(made, "apply", spec(filesystems=[outer, inner], exports=[])).state == "present"


@pytest.mark.parametrize("ending", ["# data", "# data volume", "0 # data", "0 0# data"])
def test_a_line_that_mount_does_not_read_for_a_comment_in_it_is_spelled_anew(
    ending: str, tmp_path: Path
) -> None:
    """mount(8) ignores a line with a word in the place of its fifth or sixth field; systemd may take it."""
    line = f"LABEL=blockvolume /mnt/a xfs noatime,_netdev,nofail {ending}\n"
    made = host(tmp_path, line, RELOAD, mounts=MOUNTED)
    assert done(made, "apply").state == "present"
    entry = "/dev/vg1/lv01 /mnt/a xfs noatime,_netdev,nofail 0 0\n"
    assert made.read(fstab.PATH) == f"{fstab.MARK}\n{entry}"


def test_a_comment_behind_all_six_fields_stays(tmp_path: Path) -> None:
    line = "LABEL=blockvolume /mnt/a xfs noatime,_netdev,nofail 0 0 # data\n"
    made = host(tmp_path, line, mounts=MOUNTED)
    assert (done(made, "apply").changed, made.read(fstab.PATH)) == (False, line)


@pytest.mark.parametrize(
    "bind",
    [
        "/mnt/a/home /srv/home none rbind 0 0",
        "/mnt/a /srv/home none rbind,ro 0 0",
        "/mnt//a/home/ /srv/home none rw,bind 0 0",
        "/mnt/a/./home /srv/home auto bind,nofail 0 0",
    ],
)
def test_a_bind_mount_is_put_off_however_it_is_spelled(bind: str, tmp_path: Path) -> None:
    table = f"/dev/vg1/lv01 /mnt/a xfs defaults,_netdev,nofail 0 0\n{bind}\n"
    made = host(tmp_path, table, umount("/mnt/a"), RELOAD, mounts=MOUNTED)
    made.change({"directories": ["/mnt/a/home"]})
    assert done(made, "release").state == "absent"
    assert (made.read(fstab.PATH) or "").splitlines()[1] == fstab.OFF + bind


def test_a_line_on_a_symbolic_link_to_the_mount_point_is_the_one_on_it(tmp_path: Path) -> None:
    line = "/dev/vg1/lv01 /data/a xfs noatime,_netdev,nofail 0 0\n"
    made = host(tmp_path, line, umount("/mnt/a"), RELOAD, mounts=MOUNTED)
    (tmp_path / "data").symlink_to("mnt")
    assert filesystem.check(made, spec()).state == "present"
    assert done(made, "release").state == "absent"
    assert made.read(fstab.PATH) == "#" + line


@pytest.mark.parametrize("source", ["\x00\x00", "UUID=\x00", "/dev/vg1\\000"])
def test_what_a_crash_has_left_in_fstab_names_no_device(source: str, tmp_path: Path) -> None:
    """A file that was being written when the power went may hold zeros."""
    text = (
        f"{source} /mnt/b xfs defaults 0 0\n\x00\x00\x00\nLABEL=blockvolume /mnt/a xfs _netdev,nofail 0 0\n"
    )
    made = host(tmp_path, text, mounts=MOUNTED)
    assert (done(made, "apply").state, made.read(fstab.PATH)) == ("present", text)


def test_a_blank_that_is_no_separator_is_part_of_a_name() -> None:
    """A no-break space, as it is copied from a page; fstab(5) separates fields by blanks and tabs."""
    assert fstab.parsed("UUID=1-2\u00a0/mnt/a xfs defaults 0 0") is None
    line = fstab.parsed("LABEL=my\u00a0data\t/mnt/a xfs noatime 0 0")
    assert line
    assert (line.device, line.mount, line.options) == ("LABEL=my\u00a0data", "/mnt/a", "noatime")
