"""What a rehearsal asks of its host: unmounted filesystems are checked, exports of an image are withheld."""

from __future__ import annotations

import pytest

from hooks.contract.parse import parse
from hooks.contract.result import BROKEN, PRESENT, UNKNOWN
from hooks.probe import fsck, withhold
from tests.unit.hooks.scripted_host import PlannedHost

ROOT = "22 1 254:0 / / rw - ext4 /dev/root rw\n"
MOUNTED = "88 22 253:0 / /mnt/a rw,relatime - xfs /dev/mapper/vg1-lv01 rw\n"
DEVICE = "/dev/vg1/lv01"
CHECK = f"xfs_repair -n {DEVICE}"
NOT_OURS = "/srv/other 10.9.0.0/16(ro)\n"


def spec(kind: str = "xfs"):
    return parse(
        '{"version": 1, "role": "server", "deadline_seconds": 60,'
        '"volumes": [{"name": "bv1", "iqn": "iqn.2015-12.com.oracleiaas:1", "address": "169.254.2.2",'
        '"port": 3260}], "volume_groups": [{"name": "vg1", "volumes": ["bv1"]}],'
        '"filesystems": [{"volume_group": "vg1", "logical_volume": "lv01", "mount": "/mnt/a",'
        f'"type": "{kind}", "options": "defaults"}}],'
        '"exports": [{"path": "/mnt/a", "clients": ["127.0.0.1"]}]}'
    )


def host(tmp_path, commands, mounts: str = "", exports: str = "") -> PlannedHost:
    files = {"/dev/dm-0": "", "/proc/self/mountinfo": ROOT + mounts, "/etc/exports": exports}
    links = {DEVICE: "../dm-0", "/dev/mapper/vg1-lv01": "../dm-0"}
    return PlannedHost(str(tmp_path), {"files": files, "links": links, "commands": commands})


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [(0, PRESENT, "is sound"), (1, BROKEN, "damaged: bad magic"), (2, BROKEN, "log is not replayed")],
)
def test_xfs_is_checked_and_not_repaired(tmp_path, code, state, words) -> None:
    found = host(tmp_path, [{"run": f"xfs_repair -n {DEVICE}", "code": code, "err": "bad magic"}])
    (layer,) = fsck.fsck(found, spec(), ())
    assert (layer.layer, layer.state) == ("fsck /mnt/a", state)
    assert words in layer.message


def test_a_mounted_filesystem_is_not_checked(tmp_path) -> None:
    (layer,) = fsck.fsck(host(tmp_path, [], MOUNTED), spec(), ())
    assert layer.state == BROKEN
    assert "found mounted on /mnt/a" in layer.message


def test_a_type_without_a_checker_is_not_called_sound(tmp_path) -> None:
    (layer,) = fsck.fsck(host(tmp_path, []), spec("ext3"), ())
    assert layer.state == UNKNOWN


def test_exports_of_an_image_stay_out_of_force(tmp_path) -> None:
    ours = "/mnt/a 10.0.0.0/16(rw)\n#nfs-failover off: /mnt/a/sub *(rw)\n"
    found = host(tmp_path, [{"run": "exportfs -ra"}], exports=ours + NOT_OURS)
    (layer,) = withhold.withhold(found, spec(), ())
    assert (layer.state, layer.changed) == (PRESENT, True)
    text = found.read("/etc/exports")
    assert text == (
        "#nfs-failover rehearsal: /mnt/a 10.0.0.0/16(rw)\n#nfs-failover rehearsal: /mnt/a/sub *(rw)\n"
        + NOT_OURS
    )


def test_an_image_without_them_is_left_as_it_is(tmp_path) -> None:
    found = host(tmp_path, [{"run": "exportfs -ra"}], exports=NOT_OURS)
    (layer,) = withhold.withhold(found, spec(), ())
    assert (layer.changed, found.read("/etc/exports")) == (False, NOT_OURS)
