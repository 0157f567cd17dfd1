"""The site of oci-nfs, single server: two groups, quotas, folders exported, NFS 3 and 4 side by side."""

from lab.site.shapes.shape import SiteShape

LINE_OPTIONS = "defaults,_netdev,nofail,noatime,inode64,uquota,prjquota"
EXPORT_OPTIONS = "rw,sync,no_root_squash,no_all_squash,no_subtree_check,insecure_locks"
NETWORKS = ["10.0.0.0/255.255.255.0", "10.0.2.0/255.255.255.0"]

SHAPE = SiteShape(
    name="oci-nfs",
    volumes=("disk1", "disk2", "disk3"),
    server="oci-nfs.sh",
    lines=(
        "{server}:/mnt/nfsshare/exports /mnt/share nfs vers=4,nolock,_netdev,nofail 0 0",
        "{server}:/mnt/nfsshare/exports /mnt/share3 nfs vers=3,nolock,_netdev,nofail 0 0",
        "{server}:/mnt/nfsshare2/exports /mnt/share2 nfs vers=4,nolock,_netdev,nofail 0 0",
    ),
    path="/mnt/nfsshare/exports",
    mount="/mnt/share",
    filesystems=("/mnt/nfsshare", "/mnt/nfsshare2"),
    groups=("vg_nfs_disk", "vg_nfs_disk2"),
    storage={
        "volume_groups": {
            "vg_nfs_disk": {"volumes": ["disk1", "disk2"]},
            "vg_nfs_disk2": {"volumes": ["disk3"]},
        },
        "filesystems": {
            "nfsshare": {
                "volume_group": "vg_nfs_disk",
                "logical_volume": "disk",
                "mount": "/mnt/nfsshare",
                "options": LINE_OPTIONS,
            },
            "nfsshare2": {
                "volume_group": "vg_nfs_disk2",
                "logical_volume": "disk",
                "mount": "/mnt/nfsshare2",
                "options": LINE_OPTIONS,
            },
        },
        "exports": [
            {"path": f"/mnt/{name}/exports", "clients": NETWORKS, "options": EXPORT_OPTIONS}
            for name in ("nfsshare", "nfsshare2")
        ],
    },
    by_address=True,
)
