"""A filesystem straight on a volume, without LVM: found by IQN and UUID, never by a name that changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hooks import walk
from hooks.contract.fields import SpecError
from hooks.contract.parse import parse
from hooks.contract.result import Layer
from hooks.contract.spec import ServerSpec
from hooks.layers import devices, filesystem, fstab
from hooks.survey.survey import survey
from tests.unit.hooks.scripted_host import PlannedHost, fixture

UUID = "0f3b1b5c-6f1e-4b0e-9c3c-8d0c5a7e1f10"
OTHER = "11111111-2222-3333-4444-555555555555"
SERVER: dict[str, Any] = json.loads(fixture("server-spec.json"))
IQNS = [volume["iqn"] for volume in SERVER["volumes"]]
STRAIGHT = {"volume": "bv1", "mount": "/mnt/a", "uuid": UUID}
ROOT = "22 1 254:0 / / rw - ext4 /dev/root rw\n"
MOUNTED = ROOT + "88 22 8:16 / /mnt/a rw,relatime - xfs /dev/{} rw\n"
PATHS = [f"ip-169.254.2.{4 + n}:3260-iscsi-{iqn}-lun-1" for n, iqn in enumerate(IQNS)]
ENTRY = f"UUID={UUID} /mnt/a xfs defaults,_netdev,nofail 0 0"


def spec(**changes: Any) -> ServerSpec:
    found = parse(json.dumps({**SERVER, "volume_groups": [], "filesystems": [{**STRAIGHT, **changes}]}))
    assert isinstance(found, ServerSpec)
    return found


def host(root: Path, table: str = "", *commands: Any, device: str = "sdb", mounts: str = ROOT) -> PlannedHost:
    """bv1's disk is /dev/sdb, bv2's /dev/sdc; the filesystem is on `device`, which may be /dev/sdb1."""
    made = PlannedHost(
        str(root),
        {
            "files": {
                **{f"/dev/{name}": "" for name in ("sdb", "sdc", "sdz", device)},
                "/proc/self/mountinfo": mounts.format(device),
                "/etc/fstab": table,
            },
            "links": {
                **{f"/dev/disk/by-path/{path}": f"../../sd{'bc'[n]}" for n, path in enumerate(PATHS)},
                f"/dev/disk/by-path/{PATHS[0]}-part1": f"../../{device}",
                f"/dev/disk/by-uuid/{UUID}": f"../../{device}",
                "/dev/disk/by-label/data": f"../../{device}",
                "/dev/disk/by-partuuid/1f513b3e-01": f"../../{device}",
                "/dev/oracleoci/oraclevdb": f"../{device}",
            },
            "directories": ["/mnt/a"],
            "commands": list(commands),
        },
    )
    if device[-1].isdigit():
        sysfs = f"/sys/devices/block/{device[:-1]}/{device}"
        links = {f"/sys/class/block/{device}": "../../.." + sysfs}
        links["/sys/class/block/sdb"] = "../../devices/block/sdb"
        made.change({"files": {sysfs + "/partition": "1\n"}, "links": links})
    return made


def lsblk(*rows: str) -> dict[str, str]:
    return {"run": "lsblk -rno KNAME,UUID", "out": "".join(row + "\n" for row in ("sda", *rows))}


def blkid(device: str, uuid: str = UUID, kind: str = "xfs") -> dict[str, str]:
    out = f"DEVNAME=/dev/{device}\nUUID={uuid}\nTYPE={kind}\nUSAGE=filesystem\n"
    return {"run": f"blkid -p -o export /dev/{device}", "out": out}


def mount(device: str = "sdb") -> dict[str, Any]:
    return {"run": "mount /mnt/a", "then": {"files": {"/proc/self/mountinfo": MOUNTED.format(device)}}}


RELOAD = {"run": "systemctl daemon-reload"}
UMOUNT = {"run": "umount /mnt/a", "then": {"files": {"/proc/self/mountinfo": ROOT}}}


def done(made: PlannedHost, action: str, wanted: ServerSpec | None = None) -> Layer:
    (layer,) = getattr(walk, action)(made, wanted or spec(), ["filesystem"])
    made.finish()
    assert isinstance(layer, Layer)
    return layer


@pytest.mark.parametrize("device", ["sdb", "sdb1"])
def test_it_is_mounted_by_its_uuid_on_the_disk_or_a_partition(device: str, tmp_path: Path) -> None:
    made = host(tmp_path, "", lsblk(f"{device} {UUID}"), blkid(device), mount(device), device=device)
    layer = done(made, "apply")
    assert layer.state == "present", layer.message
    assert made.read(fstab.PATH) == f"{fstab.MARK}\n{ENTRY}\n"


SOURCES = [
    f"UUID={UUID}",
    f"UUID={UUID.upper()}",
    "LABEL=data",
    "PARTUUID=1F513B3E-01",
    "/dev/sdb1",
    f"/dev/disk/by-path/{PATHS[0]}-part1",
    "/dev/oracleoci/oraclevdb",
]


@pytest.mark.parametrize("point", ["/mnt/a", "/mnt/a/", "//mnt/a"])
@pytest.mark.parametrize("source", SOURCES)
def test_a_release_takes_the_line_out_however_it_is_spelled(source: str, point: str, tmp_path: Path) -> None:
    line = f"{source}\t{point}\txfs\tdefaults\t0 0\n"
    made = host(tmp_path, line, UMOUNT, RELOAD, device="sdb1", mounts=MOUNTED)
    assert done(made, "release").state == "absent"
    assert made.read(fstab.PATH) == "#" + line


@pytest.mark.parametrize("source", SOURCES)
def test_a_line_by_a_name_that_lasts_stays(source: str, tmp_path: Path) -> None:
    """A disk's own name is another one after the next boot, a path after the next attachment."""
    line = f"{source} /mnt/a xfs noatime,_netdev,nofail 0 0\n"
    probes = [lsblk(f"sdb1 {UUID}")]
    capitals = (f"UUID={UUID.upper()}", "PARTUUID=1F")  # systemd waits for a link of that very spelling
    lasts = not source.startswith(("/dev/sdb", "/dev/disk/by-path", *capitals))
    made = host(tmp_path, line, *([] if lasts else probes), device="sdb1", mounts=MOUNTED)
    made._plan += [] if lasts else [RELOAD]
    layer = done(made, "apply")
    assert (layer.state, layer.changed) == ("present", not lasts), layer.message
    kept = f"{fstab.MARK}\nUUID={UUID} /mnt/a xfs noatime,_netdev,nofail 0 0\n"
    assert made.read(fstab.PATH) == (line if lasts else kept)


def test_a_clone_on_another_disk_is_refused_by_its_name(tmp_path: Path) -> None:
    """Whichever of the two udev's link leads to: the line by UUID could mount either."""
    for number, leads_to in enumerate(("sdb", "sdz")):
        rows = (f"sdb {UUID}", f"sdz {UUID}")
        found = [lsblk(*rows)] + [blkid("sdb")] * (0 if leads_to == "sdb" else 1) + [blkid("sdb")]
        made = host(tmp_path / str(number), "", *found * 9)
        made.change({"links": {f"/dev/disk/by-uuid/{UUID}": f"../../{leads_to}"}})
        made._unordered = True
        (text,) = filesystem.refusals(made, spec())
        assert text.startswith(f"/mnt/a: /dev/sdz has its UUID {UUID} too, expected no clone here; ")
        assert devices.node(made, spec().filesystems[0]) == "/dev/sdb"


def test_a_clone_on_a_target_is_refused_before_the_volumes_come(tmp_path: Path) -> None:
    made = host(tmp_path, "", lsblk(f"sdz {UUID.upper()}"))
    made.change({"gone": [f"/dev/disk/by-path/{path}" for path in (*PATHS, PATHS[0] + "-part1")]})
    assert "/dev/sdz has its UUID" in filesystem.refusals(made, spec())[0]


def test_another_filesystem_on_the_volume_is_refused_with_what_is_there(tmp_path: Path) -> None:
    rows = lsblk(f"sdb {OTHER}", f"sdc {OTHER}")
    probes = [rows, *[blkid("sdb", OTHER), blkid("sdc", OTHER, "ext4")] * 9]
    made = host(tmp_path, "", *probes * 2)
    made.change({"gone": [f"/dev/disk/by-uuid/{UUID}"]})
    made._unordered = True
    texts = filesystem.refusals(made, spec())
    assert f"/mnt/a: found UUIDs on /dev/sdb ({OTHER}), /dev/sdc ({OTHER}), expected {UUID}" in texts[0]
    (layer,) = walk.apply(made, spec(), ["filesystem"])
    assert (layer.state, made.read(fstab.PATH)) == ("broken", "")


def test_another_type_is_refused(tmp_path: Path) -> None:
    made = host(tmp_path, "", lsblk(f"sdb {UUID}"), blkid("sdb", kind="ext4"))
    (text,) = filesystem.refusals(made, spec())
    assert "found TYPE 'ext4' on it, expected 'xfs'" in text


def test_names_and_iqns_that_are_paired_otherwise_do_not_matter(tmp_path: Path) -> None:
    """The metadata service may not say which attachment is of which volume; the UUID does."""
    made = host(tmp_path, "", lsblk(f"sdc {UUID}"), blkid("sdc"), mount("sdc"))
    made.change({"links": {f"/dev/disk/by-uuid/{UUID}": "../../sdc"}})
    assert done(made, "apply").state == "present"


def test_a_mount_whose_disk_has_gone_is_still_its_own(tmp_path: Path) -> None:
    """The storage was taken away: the kernel keeps the mounts, by the name of a disk that is no more."""
    inside = "90 88 8:16 /home /srv/home rw - xfs /dev/sdb rw\n"
    home = {"run": "umount /srv/home", "then": {"files": {"/proc/self/mountinfo": MOUNTED.format("sdb")}}}
    made = host(
        tmp_path, ENTRY + "\n", home, UMOUNT, RELOAD, *[blkid("sdc", OTHER)] * 30, mounts=MOUNTED + inside
    )
    made._unordered = True
    made.change({"gone": [f"/dev/disk/by-path/{PATHS[0]}", f"/dev/disk/by-uuid/{UUID}", "/dev/sdb"]})
    (layer,) = walk.release(made, spec(), ["filesystem"])
    assert layer.state == "absent", layer.message
    assert made.read(fstab.PATH) == f"#{ENTRY}\n"


def test_a_session_with_a_mount_on_its_disk_is_not_ended(tmp_path: Path) -> None:
    sid, portal = "/sys/class/iscsi_session/session7/state", "169.254.2.9:3260"
    session = f"tcp: [7] {portal},1 {IQNS[0]} (non-flash)\n"
    none = {"run": "iscsiadm -m node -o show", "code": 21}
    commands = [{"run": "iscsiadm -m session", "out": session}, none]
    made = host(tmp_path, "", *commands * 2, mounts=MOUNTED)
    stale = f"/dev/disk/by-path/ip-{portal}-iscsi-{IQNS[0]}-lun-1"
    made.change({"files": {sid: "FAILED\n"}, "links": {stale: "../../sdb"}})
    (layer,) = walk.apply(made, spec(), ["iscsi"])
    assert "bv1: its device is still used by /mnt/a; unmount" in layer.message


def test_the_survey_names_what_is_on_a_volume_and_in_no_spec(tmp_path: Path) -> None:
    wanted = parse(json.dumps({**SERVER, "volume_groups": [], "filesystems": [STRAIGHT]}))
    session = "".join(
        f"tcp: [{n}] 169.254.2.{4 + n}:3260,1 {iqn} (non-flash)\n" for n, iqn in enumerate(IQNS)
    )
    commands = [
        {"run": "iscsiadm -m session", "out": session},
        {"run": "iscsiadm -m node -o show", "code": 21},
        lsblk(f"sdb {UUID}", f"sdc {OTHER}"),
        blkid("sdb"),
        blkid("sdc", OTHER, "ext4"),
    ]
    made = host(tmp_path, "", *commands * 9)
    made._unordered = True
    for number in range(2):
        made.change({"files": {f"/sys/class/iscsi_session/session{number}/state": "LOGGED_IN\n"}})
    made.change({"files": {"/proc/filesystems": "\txfs\n"}, "directories": ["/etc", "/var/lib"]})
    (layer,) = survey(made, wanted, ["filesystem"])
    refused = layer.facts["refusals"]
    assert refused == [
        f"bv2: found ext4 {OTHER} on /dev/sdc, and the spec has nothing of that; "
        "add it to the stack's storage, or take the volume out of the stack"
    ]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"uuid": None}, "with volume: a uuid, and no volume_group"),
    ({"volume_group": "vg1", "logical_volume": "lv01"}, "with volume: a uuid, and no volume_group"),
    ({"volume": "bv9"}, "found 'bv9', expected one of: bv1, bv2"),
    ({"volume": "a b"}, "filesystems[0].volume: found 'a b'"),
    ({"volume": None}, "filesystems[0].volume_group: found nothing"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_a_bad_spec(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec(**changes)
    assert message in str(caught.value)


def test_two_of_one_uuid_are_one_too_many() -> None:
    twice = [STRAIGHT, {**STRAIGHT, "volume": "bv2", "mount": "/mnt/b"}]
    with pytest.raises(SpecError, match="each one once"):
        parse(json.dumps({**SERVER, "volume_groups": [], "filesystems": twice}))


def test_nulls_are_what_terraform_writes_for_what_is_not_there() -> None:
    assert spec(volume_group=None, logical_volume=None).filesystems == spec().filesystems
    first = parse(json.dumps(SERVER))
    with_null = {**SERVER, "filesystems": [{**SERVER["filesystems"][0], "volume": None}]}
    assert parse(json.dumps(with_null)) == first
