"""What a survey says of hosts as sites have them: what a takeover would refuse, and what it would lose."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hooks.contract.fields import SpecError
from hooks.contract.parse import parse
from hooks.contract.result import Layer
from hooks.host.host import SBIN, CommandOutcome
from hooks.layers import lvm as lvm_layer
from hooks.survey import exports as survey_exports
from hooks.survey import host as survey_host
from hooks.survey import lvm, nfs, survey
from tests.unit.hooks.scripted_host import PlannedHost, fixture

ROOT = "22 1 254:0 / / rw - ext4 /dev/root rw\n"
MOUNTED = ROOT + "88 22 253:0 / /mnt/a rw,relatime - xfs /dev/mapper/vg1-lv01 rw,attr2\n"
UUID = "0f3b1b5c-6f1e-4b0e-9c3c-8d0c5a7e1f10"
BY_PATH = "/dev/disk/by-path/ip-169.254.2.{}:3260-iscsi-{}-lun-1"
IQNS = [volume["iqn"] for volume in json.loads(fixture("server-spec.json"))["volumes"]]
VOLUMES = {BY_PATH.format(4, IQNS[0]): "../../sdb", BY_PATH.format(5, IQNS[1]): "../../sdc"}
LVM = {
    "/dev/vg1/lv01": "../dm-0",
    "/dev/mapper/vg1-lv01": "../dm-0",
    f"/dev/disk/by-uuid/{UUID}": "../../dm-0",
}
PROGRAMS = ("iscsiadm", "lvm", "vgchange", "exportfs", "rpc.nfsd", "xfs_repair")
TABLE = fixture("exportfs-s.txt").splitlines(True)[0]
UNSET = (5, "")
PVS = "pvs --foreign"
KINDS = "lvs --foreign -o vg_name,lv_name,segtype"


def rows(kind: str, *found: dict[str, str]) -> str:
    return json.dumps({"report": [{kind: list(found)}]})


def lv(name: str, **changes: str) -> dict[str, str]:
    made = {"vg_name": "vg1", "lv_name": name, "lv_active": "active", "segtype": "linear"}
    return {**made, "lv_skip_activation": "", **changes}


class Surveyed(PlannedHost):
    """A host that answers by the beginning of a command, as often as it is run; the longest one counts."""

    def __init__(self, root: str, change: dict[str, Any], answers: dict[str, Any]) -> None:
        PlannedHost.__init__(self, root, change)
        self.answers = answers

    def _execute(self, argv: Sequence[str], seconds: float) -> CommandOutcome | None:
        line = " ".join(argv)
        key = max((key for key in self.answers if line.startswith(key)), key=len, default=None)
        assert key is not None, f"ran `{line}`"
        found = self.answers[key]
        if found is None:
            self.clock += seconds
            return None
        code, out = found if isinstance(found, tuple) else (0, found)
        return CommandOutcome(code, out, "")


def host(root: Path, **changes: Any) -> Surveyed:
    """A host without the volumes: the target of a failover."""
    return _host(root, {}, {"/proc/self/mountinfo": ROOT}, **changes)


def serving(root: Path, **changes: Any) -> Surveyed:
    """The server that holds the volumes and serves them."""
    line = f"UUID={UUID} /mnt/a xfs defaults,_netdev,nofail 0 0\n"
    files = {"/proc/self/mountinfo": MOUNTED, "/etc/fstab": line, "/proc/fs/nfsd/threads": "8\n"}
    files |= dict.fromkeys(("/dev/sdb", "/dev/sdc", "/dev/dm-0"), "")
    files |= {f"/sys/class/iscsi_session/session{sid}/state": "LOGGED_IN\n" for sid in (3, 4)}
    return _host(root, {**VOLUMES, **LVM}, files, **changes)


def _host(
    root: Path,
    links: dict[str, str],
    files: dict[str, str],
    more: dict[str, str] | None = None,
    answers: dict[str, Any] | None = None,
    linked: dict[str, str] | None = None,
    without: Sequence[str] = (),
) -> Surveyed:
    """`more`: other files; `answers`: other answers; `without`: programs that are not installed."""
    usual = {
        "systemctl show": "LoadState=loaded\n",
        "iscsiadm -m session": fixture("iscsiadm-session.txt"),
        "iscsiadm -m node": fixture("iscsiadm-node-show.txt"),
        "blkid -p -o export /dev/sd": "TYPE=LVM2_member\n",
        "blkid -p -o export /dev/vg1": fixture("blkid-export.txt"),
        PVS: fixture("pvs-complete.json" if links else "pvs-none.json"),
        "lvs -o vg_name,lv_name,lv_active": rows("lv", lv("lv01")),
        KINDS: rows("lv", lv("lv01")),
        "lvmconfig": UNSET,
        "exportfs -s": TABLE if links else "",
        "lvm systemid": "  system ID: nfs-srv-1\n",
        **(answers or {}),
    }
    found = {"/proc/filesystems": "nodev\tsysfs\n\txfs\n\text4\n", "/etc/fstab": "", **files, **(more or {})}
    folder = SBIN.split(":")[1]
    found |= {f"{folder}/{name}": "" for name in PROGRAMS if name not in without}
    made = Surveyed(
        str(root),
        {"files": found, "links": {**links, **(linked or {})}, "directories": ["/mnt/a", "/var/lib"]},
        usual,
    )
    for name in set(PROGRAMS) - set(without):
        Path(made.path(f"{folder}/{name}")).chmod(0o700)
    return made


def asked(made: Surveyed, **changes: Any) -> dict[str, Layer]:
    spec = parse(json.dumps({**json.loads(fixture("server-spec.json")), **changes}))
    return {layer.layer: layer for layer in survey.survey(made, spec, ())}


def refusals(made: Surveyed, **changes: Any) -> list[str]:
    return [text for layer in asked(made, **changes).values() for text in texts(layer, "refusals")]


def warnings(made: Surveyed, **changes: Any) -> list[str]:
    return [text for layer in asked(made, **changes).values() for text in texts(layer, "warnings")]


def texts(layer: Layer, kind: str) -> list[str]:
    found = layer.facts[kind]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("made", [host, serving])
def test_a_host_that_is_well_has_nothing_to_say(made: Callable[..., Surveyed], tmp_path: Path) -> None:
    found = asked(made(tmp_path), settings={"files": []})
    # the spec has no further networks, and asks for no locks that outlive a takeover
    judged = [name for name in survey.JUDGES if name not in ("network", "locks")]
    assert {name: layer.state for name, layer in found.items()} == dict.fromkeys(judged, "present")
    assert not [layer.facts for layer in found.values() if layer.facts["warnings"] or layer.facts["refusals"]]


def test_a_client_s_spec_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="survey: found a client's spec"):
        survey.survey(PlannedHost(str(tmp_path), {}), parse(fixture("client-spec.json")), ())


ON_A_TARGET: list[tuple[dict[str, Any], str]] = [
    ({"without": ["iscsiadm"]}, "iscsiadm: command not found, expected it from open-iscsi"),
    (
        {"without": ["exportfs", "rpc.nfsd"]},
        "exportfs: command not found, expected it from nfs-kernel-server",
    ),
    (
        {"answers": {"systemctl show -p LoadState nfs-server": "LoadState=masked\n"}},
        "systemctl unmask nfs-server",
    ),
    ({"answers": {"systemctl show -p LoadState iscsid": "LoadState=masked\n"}}, "systemctl unmask iscsid"),
    ({"answers": {"systemctl show -p LoadState iscsid": "LoadState=not-found\n"}}, "iscsid: no such unit"),
    ({"more": {"/etc/fstab": "tmpfs /mnt/a/ tmpfs rw 0 0\n"}}, "/mnt/a: fstab mounts tmpfs there"),
    ({"more": {"/etc/fstab": "n:/x //mnt/a nfs rw 0 0\n"}}, "/mnt/a: fstab mounts n:/x there"),
    ({"answers": {PVS: fixture("pvs-complete.json")}}, "found a volume group of this name on /dev/sdb"),
    (
        {"answers": {"lvmconfig activation/volume_list": 'volume_list=["vg0"]\n'}},
        "vg1: activation/volume_list leaves",
    ),
    (
        {"answers": {"lvmconfig activation/volume_list": 'volume_list=["vg1/lv02","vg10"]\n'}},
        'vg1: activation/volume_list leaves it out (volume_list=["vg1/lv02","vg10"])',
    ),
    (
        {"answers": {"lvmconfig devices/filter": 'filter=["a|^/dev/sda|","r|.*|"]\n'}},
        "devices/filter: it hides every disk",
    ),
    (
        {"answers": {"lvmconfig devices/global_filter": 'global_filter=["r|by-path/.*-iscsi-|"]\n'}},
        "devices/global_filter: it hides every disk",
    ),
    (
        {
            "more": {"/etc/lvm/devices/system.devices": "VERSION=1\n"},
            "answers": {
                "lvmconfig --typeconfig full devices/use_devicesfile": "use_devicesfile=1\n",
                "lvm lvmdevices --help": (3, ""),
            },
        },
        "this LVM has no lvmdevices",
    ),
    (
        {"more": {"/proc/filesystems": "\text4\n"}, "answers": {"modprobe -n -q xfs": (1, "")}},
        "kernel: it has no xfs",
    ),
    (
        {
            "more": {"/proc/net/tcp": "  0: 00000000:0801 00000000:0000 0A 0\n"},
            "answers": {"ss -Hltnp": 'LISTEN 0 5 *:2049 *:* users:(("ganesha",pid=9))\n'},
        },
        "port 2049: found LISTEN",
    ),
    (
        {"more": {"/proc/self/mountinfo": ROOT + "90 22 8:17 / /mnt/a rw - xfs /dev/sdq1 rw\n"}},
        "/mnt/a: found /dev/sdq1 mounted there",
    ),
]


@pytest.mark.parametrize(("changes", "says"), ON_A_TARGET, ids=[says for _, says in ON_A_TARGET])
def test_a_target_that_would_refuse_says_so_beforehand(
    changes: dict[str, Any], says: str, tmp_path: Path
) -> None:
    found = refusals(host(tmp_path, **changes))
    assert [text for text in found if says in text and "; " in text], found


def test_a_full_or_read_only_root_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, real = host(tmp_path), os.statvfs("/")
    for flag, free, inodes, says in (
        (os.ST_RDONLY, 9**9, 9**9, "read-only"),
        (0, 100, 9**9, "no room is left"),
        (0, 9**9, 3, "no inodes are left"),
    ):
        fields = list(real)
        fields[1], fields[4], fields[5], fields[7], fields[8] = 1, free, 9**9, inodes, flag
        monkeypatch.setattr(survey_host.os, "statvfs", lambda _, found=fields: os.statvfs_result(found))
        assert [text for text in refusals(made) if text.startswith("/etc: ") and says in text]


def test_a_clone_that_is_mounted_on_the_target_refuses_and_one_that_is_not_warns(tmp_path: Path) -> None:
    clone = {"linked": {f"/dev/disk/by-uuid/{UUID}": "../../sdq"}, "more": {"/dev/sdq": ""}}
    filesystems = [{**json.loads(fixture("server-spec.json"))["filesystems"][0], "uuid": UUID}]
    (text,) = warnings(host(tmp_path / "1", **clone), filesystems=filesystems)
    assert f"/mnt/a: /dev/sdq has its UUID {UUID} too" in text
    mounted = ROOT + "90 22 8:16 / /mnt/clone rw - xfs /dev/sdq rw\n"
    clone["more"]["/proc/self/mountinfo"] = mounted
    (text,) = refusals(host(tmp_path / "2", **clone), filesystems=filesystems)
    assert "is mounted here, expected no clone; unmount it" in text


def member(kind: str) -> dict[str, Any]:
    return {"answers": {"blkid -p -o export /dev/sdc": f"TYPE={kind}\n", PVS: rows("pv")}}


ON_THE_VOLUMES: list[tuple[dict[str, Any], str]] = [
    (member("crypto_LUKS"), "bv2: found crypto_LUKS on /dev/sdc, expected an LVM physical volume"),
    (member("linux_raid_member"), "bv2: found linux_raid_member on /dev/sdc"),
    (member("xfs"), "bv2: found xfs on /dev/sdc"),
    ({"answers": {KINDS: rows("lv", lv("lv01", segtype="raid1"))}}, "vg1/lv01: it is of type raid1"),
    ({"answers": {KINDS: rows("lv", lv("lv01", segtype="thin"))}}, "vg1/lv01: it is of type thin"),
    (
        {"answers": {KINDS: rows("lv", lv("lv01", segtype="error"), lv("lv01"))}},
        "vg1/lv01: it is of type error",
    ),
    (
        {"answers": {"exportfs -s": TABLE.replace("sec=sys", "sec=sys:krb5p")}},
        "/mnt/a is exported to 10.0.0.0/16 with sec=sys:krb5p, expected sec=sys: the next server has no keys",
    ),
    ({"answers": {KINDS: rows("lv", lv("data"))}}, "vg1/lv01: no such logical volume"),
    (
        {"answers": {KINDS: rows("lv", lv("lv01", lv_skip_activation="skip activation"))}},
        "lvchange -kn vg1/lv01",
    ),
    ({"answers": {PVS: fixture("pvs-missing.json")}}, "of its 2 physical volumes are missing"),
    ({"answers": {PVS: fixture("pvs-duplicate.json")}}, "found 2 volume groups of this name"),
    (
        {"answers": {PVS: fixture("pvs-complete.json").replace('"vg_name":"vg1"', '"vg_name":"data2"')}},
        "vg1: its volumes carry the volume group data2, so somebody has renamed it",
    ),
    (
        {
            "answers": {PVS: fixture("pvs-complete.json").replace("/dev/sdb", "/dev/mapper/mpatha")},
            "linked": {"/dev/mapper/mpatha": "../dm-5"},
            "more": {"/dev/dm-5": "", "/sys/class/block/dm-5/dm/uuid": "mpath-3600\n"},
        },
        "vg1: multipathd has its volumes as /dev/dm-5, expected the plain disks; blacklist them",
    ),
    (
        {"answers": {"blkid -p -o export /dev/vg1": "TYPE=ext4\nUUID=1\n"}},
        "found TYPE 'ext4' on it, expected 'xfs'",
    ),
    (
        {"more": {"/proc/self/mountinfo": MOUNTED + "90 88 0:50 / /mnt/a/t rw - tmpfs none rw\n"}},
        "/mnt/a: found mounted below it: /mnt/a/t; unmount that first",
    ),
    (
        {"more": {"/proc/swaps": "Filename\tType\n/mnt/a/my\\040swap file 1024 0 -2\n/swap file 1 0 -3\n"}},
        "/mnt/a: found in use by the kernel: swap on /mnt/a/my swap; swapoff, losetup -d or unmount",
    ),
    (
        {
            "more": {
                "/sys/block/loop0/loop/backing_file": "/srv/other.img\n",
                "/sys/block/loop3/loop/backing_file": "/mnt/a/disk.img\n",
            }
        },
        "/mnt/a: found in use by the kernel: loop device /dev/loop3 of /mnt/a/disk.img; swapoff",
    ),
    (
        {
            "more": {
                "/proc/self/mountinfo": MOUNTED
                + "90 22 0:50 / /srv/o rw - overlay none rw,lowerdir=/l:/mnt/a/l,upperdir=/u,workdir=/w\n"
            }
        },
        "/mnt/a: found in use by the kernel: overlay /srv/o; swapoff",
    ),
    (
        {
            "answers": {KINDS: rows("lv", lv("lv01"), lv("swap"))},
            "linked": {"/dev/vg1/swap": "../dm-7"},
            "more": {"/dev/dm-7": "", "/proc/swaps": "Filename\tType\n/dev/dm-7 partition 1024 0 -2\n"},
        },
        "vg1/swap: it is in the group and in use as swap, expected nothing in use that the spec lacks",
    ),
    (
        {"more": {"/etc/exports": '"/mnt/a/my data" 10.0.0.0/16(rw)\n'}},
        "'/mnt/a/my data' is exported, and a path with blanks or special characters cannot be in the spec; ",
    ),
    (
        {"more": {"/var/lib/nfs/etab": "/mnt/a/\\346\\227\\245\t*(rw,sync)\n"}},
        "is exported, and a path with blanks or special characters cannot be in the spec; export the folder",
    ),
]


@pytest.mark.parametrize(("changes", "says"), ON_THE_VOLUMES, ids=[says for _, says in ON_THE_VOLUMES])
def test_what_the_next_server_would_refuse_is_said_by_the_one_that_serves(
    changes: dict[str, Any], says: str, tmp_path: Path
) -> None:
    found = refusals(serving(tmp_path, **changes))
    assert [text for text in found if says in text and "; " in text], found


LOST: list[tuple[dict[str, Any], str]] = [
    (
        {"answers": {"exportfs -s": TABLE + "/mnt/a  10.9.0.0/16(sync,rw,no_root_squash)\n"}},
        "/mnt/a is exported to 10.9.0.0/16 (rw,no_root_squash), and the spec lacks it",
    ),
    (
        {"answers": {"exportfs -s": TABLE + "/mnt/a/sub  *(sync,ro,insecure)\n"}},
        "/mnt/a/sub is exported to * (insecure), and the spec lacks it",
    ),
    (
        {
            "answers": {
                "exportfs -s": TABLE.replace("root_squash", "no_root_squash", 1).replace("sync", "async", 1)
            }
        },
        "10.0.0.0/16 with async,no_root_squash, and by the spec it would be sync,root_squash",
    ),
    (
        {"answers": {"exportfs -s": TABLE.replace("fsid=1", "fsid=7")}},
        "with fsid=7, and by the spec it would be fsid=1",
    ),
    (
        {"answers": {"exportfs -s": TABLE.replace("root_squash", "insecure_locks,root_squash", 1)}},
        "with insecure_locks, and by the spec it would be without insecure_locks",
    ),
    (
        {"answers": {"exportfs -s": TABLE + "/mnt  *(ro,crossmnt,fsid=0)\n"}},
        "/mnt is exported to * as NFSv4's root (fsid=0) from this server's own disk, and stays behind: the "
        "next server has /mnt/a by the full path alone; have clients mount by that",
    ),
    (
        {"answers": {"exportfs -s": TABLE + "/mnt  *(ro,crossmnt)\n"}},
        "/mnt is exported to * from this server's own disk",
    ),
    (
        {"answers": {"exportfs -s": TABLE + "/srv/x  *(ro)\n"}},
        "/srv/x is exported to * from this server's own disk",
    ),
    (
        {"more": {"/etc/fstab": "/dev/dm-0 /mnt/a/ xfs defaults,_netdev,nofail,noatime,prjquota 0 2\n"}},
        "/mnt/a: fstab has noatime,prjquota, which the spec's options lack",
    ),
    (
        {"more": {"/etc/fstab": "/dev/dm-0 /mnt/a xfs defaults,_netdev 0 2\n"}},
        "/mnt/a: fstab lacks nofail there, and a server from an image of this one would wait for it",
    ),
    (
        {"more": {"/etc/fstab": "UUID=1f /mnt/a xfs defaults 0 0\n/dev/dm-0 /mnt/a xfs defaults 0 2\n"}},
        "would wait for it in its boot, or stop there: _netdev is missing too; fail over to this very server",
    ),
    (
        {"more": {"/etc/fstab": "/dev/dm-0 /mnt/a xfs x-systemd.automount 0 2\n"}},
        "/mnt/a: fstab has x-systemd.automount",
    ),
    (
        {"more": {"/etc/fstab": "/dev/dm-0 /mnt/a xfs _netdev,nofail,noauto 0 2\n"}},
        "/mnt/a: fstab has noauto, expected a plain mount at boot; take that option out",
    ),
    (
        {"more": {"/etc/systemd/system/mnt-a.mount": "[Mount]\n"}},
        "/mnt/a: /etc/systemd/system/mnt-a.mount mounts it too",
    ),
    (
        {"more": {"/etc/fstab": "/mnt/a/home /home none bind 0 0\n"}},
        "/mnt/a: mounted here as /home too, which the spec lacks",
    ),
    (
        {
            "more": {
                "/proc/self/mountinfo": MOUNTED + "90 22 253:0 /h /home rw - xfs /dev/mapper/vg1-lv01 rw\n"
            }
        },
        "/mnt/a: mounted here as /home too, which the spec lacks",
    ),
    (
        {"more": {"/etc/fstab": "/dev/vg1/lv02 /mnt/b xfs defaults 0 0\n"}},
        "/mnt/b: fstab mounts /dev/vg1/lv02 there, which is in the group and not in the spec",
    ),
    (
        {"more": {"/etc/fstab": "/dev/mapper/vg1-lv--2 /mnt/b xfs defaults 0 0\n"}},
        "/mnt/b: fstab mounts /dev/mapper/vg1-lv--2 there, which is in the group and not in the spec",
    ),
    (
        {"answers": {KINDS: rows("lv", lv("lv01"), lv("lv02"))}},
        "vg1/lv02: it is in the group, and nothing of the spec is on it",
    ),
    (
        {
            "more": {
                "/proc/self/mountinfo": MOUNTED.replace("attr2", "prjquota"),
                "/etc/projects": "1:/mnt/a/x\n",
                "/etc/projid": "x:1\n",
            }
        },
        "/mnt/a: its project quotas are named in /etc/projects and /etc/projid",
    ),
    (
        {
            "answers": {
                PVS: fixture("pvs-complete.json").replace('"vg_systemid":""', '"vg_systemid":"nfs-srv-1"')
            }
        },
        "vg1: it belongs to system ID 'nfs-srv-1', which the next server overrides",
    ),
    (
        {
            "more": {lvm_layer.DEVICES_FILE: "VERSION=1.1.1\n"},
            "answers": {
                "lvmconfig --typeconfig full devices/use_devicesfile": "use_devicesfile=1\n",
                PVS: rows("pv"),
                "pvs --devicesfile": rows("pv", {"pv_name": "/dev/sdb", "vg_name": "vg1"}),
            },
        },
        "/dev/sdb: /etc/lvm/devices/system.devices does not list it, expected all of vg1",
    ),
]


@pytest.mark.parametrize(("changes", "says"), LOST, ids=[says for _, says in LOST])
def test_what_only_the_old_server_has_is_a_warning(
    changes: dict[str, Any], says: str, tmp_path: Path
) -> None:
    found = warnings(serving(tmp_path, **changes))
    assert [text for text in found if says in text and "; " in text], found
    assert not refusals(serving(tmp_path / "again", **changes))


@pytest.mark.parametrize(("others", "kind"), [(["10.0.0.0/16"], "warnings"), ([], "refusals")])
def test_a_name_without_an_address_blocks_where_nobody_else_would_be_served(
    others: list[str], kind: str, tmp_path: Path
) -> None:
    exported = [{"path": "/mnt/a", "clients": ["gone", *others], "options": "rw,sync"}]
    made = host(tmp_path, answers={"getent ahosts gone": (2, "")})
    found = {"warnings": warnings, "refusals": refusals}[kind](made, exports=exported)
    assert [text for text in found if "the name has no address on this host" in text], found


def test_a_server_whose_sessions_are_dead_is_not_judged_by_what_it_cannot_read(tmp_path: Path) -> None:
    """Its failover is the remedy: it must not be what stands in the failover's way."""
    sick = {PVS: fixture("pvs-missing.json"), "blkid -p -o export /dev/vg1": (2, "")}
    made = serving(tmp_path, answers=sick, more={"/sys/class/iscsi_session/session4/state": "FAILED\n"})
    assert refusals(made) == []
    assert [text for text in warnings(made) if text.startswith("bv2: its session is FAILED")]


def test_a_filesystem_that_cannot_be_read_is_not_learnt_and_not_refused(tmp_path: Path) -> None:
    found = asked(serving(tmp_path, answers={"blkid -p -o export /dev/vg1": (2, "")}))
    assert (found["filesystem"].state, found["filesystem"].facts["refusals"]) == ("unknown", [])


def test_a_command_that_hangs_costs_its_seconds_and_the_others_are_told(tmp_path: Path) -> None:
    made = serving(tmp_path, answers={PVS: None, "exportfs -s": TABLE + "/srv/x  *(ro)\n"})
    found = asked(made)
    assert {name: layer.state for name, layer in found.items()} == {
        "iscsi": "present",
        "lvm": "unknown",
        "filesystem": "present",
        "nfs": "present",
    }
    assert "pvs" in found["lvm"].message
    assert texts(found["nfs"], "warnings")


def test_nothing_is_written(tmp_path: Path) -> None:
    made = serving(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    asked(made)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(
    ("setting", "names", "found"),
    [
        ('filter=["a|.*|"]', ["/dev/sdb"], False),
        ('filter=["a|^/dev/sda$|","r|.*|"]', ["/dev/sdb"], True),
        ('filter=["a|^/dev/sd.$|","r|.*|"]', ["/dev/disk/by-path/x", "/dev/sdb"], False),
        ('filter=["r|/dev/sdb|"]', ["/dev/disk/by-path/x", "/dev/sdb"], True),
        ('filter=["r|/dev/sdq|"]', ["/dev/disk/by-path/x", "/dev/sdb"], False),
        ('global_filter=["a/iscsi/","r/.*/"]', ["/dev/disk/by-path/ip-1-iscsi-x", "/dev/sdb"], False),
        ("", ["/dev/sdb"], False),
    ],
)
def test_lvm_s_filters(setting: str, names: list[str], found: bool) -> None:
    assert lvm.hidden(setting, names) is found


def test_settings_of_nfsd(tmp_path: Path) -> None:
    files = {
        "/etc/sysconfig/nfs": 'RPCNFSDCOUNT="64"\n',
        "/etc/nfs.conf": "[general]\nthreads=9\n[ nfsd ]\nthreads = 256 # all\n#vers3=n\ngrace-time=15\n",
        "/etc/nfs.conf.d/site.conf": "[nfsd]\nvers3=y\n[mountd]\nport=9\n",
    }
    found = nfs.settings(host(tmp_path, more=files))
    assert found == {"threads": "256", "grace-time": "15", "vers3": "y"}


@pytest.mark.parametrize(
    ("text", "threads"),
    [
        ('[nfsd]\nthreads="64"\n', "64"),
        ("[nfsd]\nthreads = '64' # all\n", "64"),
        ("[NFSD] of this server\nThreads=64\r\n", "64"),
        ("[mountd]\nthreads=64\n[nfsd]\n; threads=32\n", None),
    ],
)
def test_nfs_conf_as_nfsd_reads_it(text: str, threads: str | None, tmp_path: Path) -> None:
    assert nfs.section(text, "nfsd").get("threads") == threads


def test_of_two_counts_in_a_shell_s_file_the_last_one_is_nfsd_s(tmp_path: Path) -> None:
    text = "RPCNFSDCOUNT=8\n#RPCNFSDCOUNT=16\nRPCNFSDCOUNT='64'\n"
    made = host(tmp_path, more={"/etc/default/nfs-kernel-server": text})
    assert nfs.settings(made) == {"threads": "64"}


@pytest.mark.parametrize("listed", ['"vg1"', '"vg0","vg1/lv01"', '"@here","vg1"', ""])
def test_a_group_that_volume_list_has_by_name_is_no_remark(listed: str, tmp_path: Path) -> None:
    out = f"volume_list=[{listed}]\n" if listed else ""
    made = host(tmp_path, answers={"lvmconfig activation/volume_list": out})
    assert not [text for text in (*refusals(made), *warnings(made)) if "volume_list" in text]


def test_a_volume_list_of_tags_is_a_warning(tmp_path: Path) -> None:
    """The group's tags lie on volumes that are not here yet."""
    answer = {"lvmconfig activation/volume_list": 'volume_list=["@nfs-srv-1"]\n'}
    (text,) = warnings(host(tmp_path, answers=answer))
    assert text.startswith('vg1: activation/volume_list has it by a tag at best (volume_list=["@nfs-srv-1"])')


def test_an_export_with_kerberos_that_the_spec_names_is_the_owner_s_own(tmp_path: Path) -> None:
    made = serving(tmp_path, answers={"exportfs -s": TABLE.replace("sec=sys", "sec=krb5")})
    exports = [{"path": "/mnt/a", "clients": ["10.0.0.0/16"], "options": "rw,sync,sec=krb5", "fsid": 1}]
    assert not refusals(made, exports=exports)


SERVICE = {"service_address": {"address": "10.0.0.100", "prefix": 24}}
LINK = "02:00:17:00:00:{:02x}"
REPLIES = "ARPING 10.0.0.100 from 10.0.0.12 eth0\nUnicast reply from 10.0.0.100 [{}]  0.7ms\n"


def _network(*addresses: str, probe: str, replies: tuple[int, str]) -> dict[str, Any]:
    infos = [{"family": "inet", "local": one, "prefixlen": 24} for one in addresses]
    link = {"ifname": "eth0", "address": LINK.format(1), "addr_info": infos}
    return {
        "ip -j address show": json.dumps([link]),
        "ip -j route show default": json.dumps([{"dst": "default", "gateway": "10.0.0.1", "dev": "eth0"}]),
        probe: replies,
    }


def test_another_owner_of_the_service_address_is_named_on_the_server_that_has_it(tmp_path: Path) -> None:
    probe = "arping -D -c 2 -w 1 -I eth0 10.0.0.100"
    replies = (1, REPLIES.format(LINK.format(9).upper()))
    made = serving(tmp_path, answers=_network("10.0.0.11", "10.0.0.100", probe=probe, replies=replies))
    (text,) = texts(asked(made, **SERVICE)["address"], "warnings")
    assert f"10.0.0.100 is on this host, and {LINK.format(9)} answers for it too" in text
    quiet = serving(tmp_path / "2", answers=_network("10.0.0.11", "10.0.0.100", probe=probe, replies=(0, "")))
    assert texts(asked(quiet, **SERVICE)["address"], "warnings") == []


@pytest.mark.parametrize(
    ("replies", "answering"),
    [
        ((0, REPLIES.format(LINK.format(7))), [LINK.format(7)]),
        (
            (0, REPLIES.format(LINK.format(7)) + REPLIES.format(LINK.format(8))),
            [LINK.format(7), LINK.format(8)],
        ),
        ((1, ""), []),
        ((2, 'arping: Interface "eth0" is not ARPable'), []),
        ((127, ""), []),
        ((0, REPLIES.format("00:00:17:D5:BF:16")), []),  # the router answers for every host
    ],
)
def test_who_answers_for_the_service_address_is_known_on_the_next_server(
    tmp_path: Path, replies: tuple[int, str], answering: list[str]
) -> None:
    table = "IP address HW type Flags HW address Mask Device\n10.0.0.1 0x1 0x2 00:00:17:d5:bf:16 * eth0\n"
    answers = _network("10.0.0.12", probe="arping -c 2 -w 1 -I eth0 10.0.0.100", replies=replies)
    layer = asked(host(tmp_path, answers=answers, more={"/proc/net/arp": table}), **SERVICE)["address"]
    assert texts(layer, "answering") == answering
    assert (texts(layer, "carried"), texts(layer, "warnings")) == ([], [])


def test_a_group_whose_name_goes_on_is_another_one(tmp_path: Path) -> None:
    """vg1-b/lv is vg1--b-lv to device-mapper, which doubles the hyphens of a name."""
    line = "/dev/mapper/vg1--b-lv /mnt/b xfs defaults 0 0\n"
    made = serving(
        tmp_path, more={"/etc/fstab": f"UUID={UUID} /mnt/a xfs defaults,_netdev,nofail 0 0\n{line}"}
    )
    assert not [text for text in warnings(made) if "/mnt/b" in text]


@pytest.mark.parametrize(
    ("text", "clients"),
    [
        ("/mnt/a h1(rw,\\\n  sync) h2(ro)\n", {"h2": ["ro"]}),
        ("/mnt/a h1(rw, sync)\n", {}),
        ('/mnt/a -sync "h1"(rw) h2\n', {"h1": ["sync", "rw"], "h2": ["sync"]}),
        ("/mnt/a 10.0.0.0/16 (rw)\n", {"10.0.0.0/16": [], "*": ["rw"]}),
        ("/mnt/a h1() h1(rw)\n", {"h1": []}),
    ],
)
def test_a_file_of_exports_has_the_clients_that_exportfs_reads(
    text: str, clients: dict[str, list[str]]
) -> None:
    """A blank ends a client, that of a continued line too (exports(5))."""
    assert survey_exports.written(text) == {("/mnt/a", name): options for name, options in clients.items()}


@pytest.mark.parametrize("path", ["/mnt", "/"])
def test_data_that_is_served_by_a_folder_above_it_alone_is_refused(path: str, tmp_path: Path) -> None:
    """exports(5), crossmnt: the next server has neither that folder nor an export of the data."""
    etab = f"{path}\t10.0.0.0/8(rw,sync,wdelay,hide,crossmnt,secure,sec=sys,rw)\n"
    (text,) = refusals(serving(tmp_path, more={"/var/lib/nfs/etab": etab}), exports=[])
    assert text.startswith(
        f"{path} is exported to 10.0.0.0/8 with crossmnt, and /mnt/a by that alone, which the"
    )


def test_exports_are_told_of_a_site_whose_spec_has_none(tmp_path: Path) -> None:
    etab = "/mnt/a\t10.0.0.0/8(rw,sync,no_root_squash)\n/srv/x\t*(ro,sync)\n"
    made = serving(tmp_path, more={"/var/lib/nfs/etab": etab})
    assert warnings(made, exports=[]) == [
        "/mnt/a is exported to 10.0.0.0/8 (rw,no_root_squash), and the spec lacks it; add it to the spec's "
        "exports",
        "/srv/x is exported to * from this server's own disk; it stays behind",
    ]
