"""The site of oci-hpc 3.1: XFS straight on one volume, its exports in a file of their own, nconnect."""

from lab.site.shapes.shape import SiteShape

# as the server's script has it
UUID = "5f0c6a4e-0b1d-4c53-9a55-3a9d5d0f1c21"

SHAPE = SiteShape(
    name="oci-hpc",
    volumes=("cluster",),
    server="oci-hpc.sh",
    lines=("{server}:/nfs/cluster /nfs/cluster nfs defaults,nconnect=16 0 0",),
    path="/nfs/cluster",
    mount="/nfs/cluster",
    filesystems=("/nfs/cluster",),
    groups=(),
    storage={
        "volume_groups": {},
        "filesystems": {
            "cluster": {
                "volume": "cluster",
                "uuid": UUID,
                "mount": "/nfs/cluster",
                "options": "defaults,noatime,_netdev,nofail",
            }
        },
        "exports": [
            {"path": "/nfs/cluster", "clients": ["10.0.0.0/16"], "options": "rw,sync,no_root_squash"}
        ],
    },
    by_address=True,
)
