"""Sites as public stacks and manuals leave them: nobody refuses them, they go over, and home again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hooks.contract.result import ABSENT, PRESENT
from tests.model.building import NEW, OLD, build
from tests.model.judgement import judge
from tests.model.layouts import (
    ClientLayout,
    ExportLayout,
    FilesystemLayout,
    GroupLayout,
    SiteLayout,
    TargetLayout,
)
from tests.model.rehearsal import Switch, comes_back_harmless, fail_over, nothing_of_it
from tests.model.site import DOMAIN
from tests.model.story import act, server_spec, states

_BY_ADDRESS = (
    "10.0.2.4:/mnt/bv /mnt/nfs nfs vers=3,defaults,noatime,nodiratime,bg,timeo=100,ac,actimeo=120,nocto,"
    "rsize=1048576,wsize=1048576,nolock,local_lock=none,proto=tcp,sec=sys,_netdev 0 0\n"
)
_TUTORIAL_LINE = "LABEL=blockvolume {mount}/ xfs defaults,_netdev,noatime 0 0"
MANUAL = SiteLayout(
    groups=(GroupLayout(filesystems=(FilesystemLayout(line="/dev/vg1/lv01\t/mnt/a\txfs\tdefaults\t0\t0"),)),),
    exports=(ExportLayout(fsid=None),),
    exports_files=(("exports", "/mnt/a\t10.0.0.0/16(rw,sync,no_subtree_check)\n"),),
)
TUTORIAL = SiteLayout(
    groups=(
        GroupLayout(
            "bv",
            4,
            filesystems=(
                FilesystemLayout("bv", "/mnt/bv", label="blockvolume", line=_TUTORIAL_LINE, layout="striped"),
            ),
        ),
    ),
    exports=(ExportLayout("/mnt/bv", ("*",), "rw,sync,no_root_squash", None),),
    exports_files=(("exports", "/mnt/bv (rw,sync,no_root_squash)\n"),),
    clients=(ClientLayout(mounts=(("/mnt/bv", "/mnt/nfs"),), fstab=_BY_ADDRESS),),
)
_QUOTAS = "/dev/{group}/disk {{mount}} xfs defaults,_netdev,nofail,noatime,inode64,uquota,prjquota 0 2"
OCI_NFS = SiteLayout(
    groups=tuple(
        GroupLayout(
            group,
            2,
            filesystems=(
                FilesystemLayout(
                    "disk", mount, folders=("exports",), line=_QUOTAS.format(group=group), layout="striped"
                ),
            ),
        )
        for group, mount in (("vg_nfs_disk", "/mnt/nfsshare"), ("vg_nfs_disk2", "/mnt/more"))
    ),
    exports=(
        ExportLayout("/mnt/nfsshare/exports", ("10.0.0.0/16", "nfs-cli"), "rw,sync,no_root_squash", None),
        ExportLayout("/mnt/more/exports", ("10.0.0.0/255.255.0.0",), "rw,sync,no_root_squash", None),
    ),
    exports_files=(
        (
            "exports",
            "/mnt/nfsshare/exports 10.0.0.0/255.255.0.0(rw,sync,no_root_squash) "
            "nfs-cli(rw,sync,no_root_squash)\n"
            "/mnt/more/exports 10.0.0.0/255.255.0.0(rw,sync,no_root_squash)\n",
        ),
    ),
    clients=(
        ClientLayout(
            mounts=(("/mnt/nfsshare/exports", "/mnt/v4"), ("/mnt/nfsshare/exports", "/mnt/v3")),
            fstab="nfs-srv-1:/mnt/nfsshare/exports /mnt/v4 nfs4 defaults 0 0\n"
            "nfs-srv-1:/mnt/nfsshare/exports /mnt/v3 nfs vers=3,nolock 0 0\n",
        ),
    ),
)
PACEMAKER = SiteLayout(groups=(GroupLayout(system_id=True),), target=TargetLayout(system_id="nfs-srv-2"))
PARTITIONS = SiteLayout(groups=(GroupLayout(partitioned=True),))
_HPC_LINE = "{device} {mount} xfs defaults,noatime,_netdev 0 0"
OCI_HPC = SiteLayout(
    groups=(
        GroupLayout("data", straight=True, filesystems=(FilesystemLayout(mount="/nfs", line=_HPC_LINE),)),
    ),
    exports=(ExportLayout("/nfs", fsid=None, options="rw,sync,no_root_squash"),),
    exports_files=(("exports.d/nfs.exports", "/nfs 10.0.0.0/16(rw,sync,no_root_squash)\n"),),
    clients=(
        ClientLayout(mounts=(("/nfs", "/nfs"),), fstab="nfs-srv-1:/nfs /nfs nfs defaults,nconnect=16 0 0\n"),
    ),
)


def straight(line: str, partitioned: bool = False, **target: Any) -> SiteLayout:
    item = FilesystemLayout(label="data", folders=("q",), line=line)
    group = GroupLayout("data", straight=True, partitioned=partitioned, filesystems=(item,))
    return SiteLayout(groups=(group,), target=TargetLayout(**target))


MIXED = SiteLayout(
    groups=(
        GroupLayout(filesystems=(FilesystemLayout(folders=("q",)),)),
        GroupLayout(
            "data",
            straight=True,
            filesystems=(
                FilesystemLayout(
                    mount="/mnt/b", line="UUID={uuid} {mount}/ xfs defaults,_netdev 0 2", folders=("p",)
                ),
                FilesystemLayout(
                    mount="/mnt/a/q",
                    line="LABEL={label}\t{mount}\text4\tdefaults 0 0",
                    label="inner",
                    type="ext4",
                    more="/mnt/b/p /srv none bind 0 0\n",
                ),
            ),
        ),
    ),
)
SERVICE = SiteLayout(
    service_address="10.0.0.100",
    clients=(ClientLayout(fstab="10.0.0.100:/mnt/a /mnt/nfs/a nfs defaults 0 0\n"),),
)
SITES = {
    "manual": MANUAL,
    "tutorial": TUTORIAL,
    "oci-nfs": OCI_NFS,
    "pacemaker": PACEMAKER,
    "partitions": PARTITIONS,
    "oci-hpc": OCI_HPC,
    "straight by path": straight("{path} {mount} xfs defaults 0 0"),
    "straight by label": straight("LABEL={label} {mount}/ xfs defaults,_netdev,noatime 0 0"),
    "partition by path": straight("{path} {mount} xfs defaults,nofail 0 0", True),
    "partition by PARTUUID": straight("PARTUUID={partuuid} {mount} xfs defaults,nofail 0 0", True),
    "straight, a clone's label": straight("LABEL={label} {mount} xfs defaults,nofail 0 0", clone="label"),
    "straight beside LVM": MIXED,
    "service address": SERVICE,
    "devices file": SiteLayout(target=TargetLayout(devices_file=True)),
    "mounts of a dead filer on both servers": SiteLayout(filer=True, servers_of_filer=(OLD, NEW)),
    "target that is the old server's client": SiteLayout(target=TargetLayout(remote=True)),
    "stale line on the target": SiteLayout(target=TargetLayout(fstab="{device} {mount} xfs defaults 0 0\n")),
}


@pytest.mark.parametrize("name", SITES)
def test_it_goes_over_and_home(name: str, tmp_path: Path) -> None:
    layout = SITES[name]
    site, clients = build(layout, tmp_path), list(layout.clients)
    for old, new in ((OLD, NEW), (NEW, OLD)):
        judged = fail_over(site, layout, clients, Switch(old, new, planned=True))
        assert not judged.service, judged
        assert not any(judged.clients.values()), judged
        comes_back_harmless(site.hosts[old], layout)


BOUND = FilesystemLayout(more="{mount} /export/data none bind,nofail 0 0\n")
PSEUDO_ROOT = SiteLayout(
    groups=(GroupLayout(filesystems=(BOUND,)),),
    exports_files=(
        ("exports", "/export *(ro,fsid=0)\n/export/data *(rw,fsid=9)\n/mnt/a 10.0.0.0/16(rw,fsid=1)\n"),
    ),
    clients=(),
)


@pytest.mark.parametrize("power", [False, True])
def test_a_bind_mount_in_the_root_of_nfsv4_is_released_with_its_export(power: bool, tmp_path: Path) -> None:
    """Its export would keep the filesystem busy. What is beside it in the root is exported as before."""
    site = build(PSEUDO_ROOT, tmp_path)
    host = site.hosts[OLD]
    released = act(host, "release", server_spec(site, PSEUDO_ROOT))
    assert states(released) == {ABSENT}, released
    nothing_of_it(host, PSEUDO_ROOT)
    assert [path for path, _ in host.nfsd.table] == ["/export"]
    if power:
        comes_back_harmless(host, PSEUDO_ROOT)
    applied = act(host, "apply", server_spec(site, PSEUDO_ROOT))
    assert states(applied) == {PRESENT}, applied
    assert sorted({path for path, _ in host.nfsd.table}) == ["/export", "/export/data", "/mnt/a"]


REFUSED = {
    "vg1/spare: it is in the group and mounted on /mnt/spare": SiteLayout(
        groups=(GroupLayout(spare="/mnt/spare"),)
    ),
    "/mnt/a: found mounted below it: /mnt/a/q": SiteLayout(
        groups=(GroupLayout(filesystems=(FilesystemLayout(folders=("q",)),)),), below="/mnt/a/q"
    ),
    "vg1: 1 of its 3 physical volumes are missing": SiteLayout(groups=(GroupLayout(lost=1),)),
    "vg1: found a volume group of this name on /dev/sdb": SiteLayout(target=TargetLayout(foreign="vg1")),
    "/etc/exports: /mnt/a to 10.0.0.0/16: found ro, expected rw": SiteLayout(
        target=TargetLayout(exports_files=(("exports", "/mnt/a 10.0.0.0/255.255.0.0(ro,fsid=1)\n"),))
    ),
    "/etc/exports: /mnt/a to nfs-cli: found ro, expected rw": SiteLayout(
        exports=(ExportLayout(clients=("nfs-cli",)),),
        exports_files=(("exports", "/mnt/a nfs-cli(rw,sync,no_subtree_check,fsid=1)\n"),),
        target=TargetLayout(exports_files=(("exports", f"/mnt/a NFS-CLI.{DOMAIN}(ro,fsid=1)\n"),)),
    ),
    "/mnt/a to render: the name has no address on this host": SiteLayout(
        exports=(ExportLayout(clients=("render",)),),
        exports_files=(("exports", "/mnt/a render(rw,sync,no_subtree_check,fsid=1)\n"),),
        aliases=(("render", "10.0.0.21"),),
    ),
    "/mnt/a: /dev/sdb has its UUID": straight("UUID={uuid} {mount} xfs defaults 0 0", clone="uuid"),
    "/export/data is exported to * and is a bind mount out of a filesystem": PSEUDO_ROOT,
    "nfs-server: the unit is masked": SiteLayout(target=TargetLayout(masked=("nfs-server",))),
}


@pytest.mark.parametrize("why", REFUSED)
def test_it_is_refused_by_its_name(why: str, tmp_path: Path) -> None:
    layout = REFUSED[why]
    judged = judge(build(layout, tmp_path), layout, layout.clients, OLD, NEW)
    assert [text for text in judged.service if why in text], judged


def test_a_line_of_its_own_would_overrule_the_spec_on_the_way_home(tmp_path: Path) -> None:
    written = "/mnt/a 10.0.0.0/16(rw,sync,no_subtree_check)\n"
    layout = SiteLayout(exports_files=(("exports", written),))  # the spec has fsid=1
    site, clients = build(layout, tmp_path), list(layout.clients)
    assert not fail_over(site, layout, clients, Switch(OLD, NEW, planned=True)).service
    home = fail_over(site, layout, clients, Switch(NEW, OLD, planned=True))
    assert [text for text in home.service if "/etc/exports: /mnt/a to 10.0.0.0/16: found none" in text], home
