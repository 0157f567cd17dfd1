"""The site of Oracle's tutorials for file servers: one striped volume group, a line of fstab by label."""

from lab.site.shapes.shape import SiteShape

VOLUMES = tuple(f"bv{number:02d}" for number in range(1, 5))
OPTIONS = (
    "vers=3,defaults,noatime,nodiratime,bg,timeo=100,ac,actimeo=120,nocto,rsize=1048576,wsize=1048576,"
    "nolock,local_lock=none,proto=tcp,sec=sys,_netdev"
)


def shape(volumes: tuple[str, ...] = VOLUMES) -> SiteShape:
    """The same with as many volumes as are named; the stacks make 15 or 32."""
    return SiteShape(
        name="tutorial",
        volumes=volumes,
        server="tutorial.sh",
        lines=(f"{{server}}:/mnt/bv /mnt/nfs nfs {OPTIONS} 0 0",),
        path="/mnt/bv",
        mount="/mnt/nfs",
        filesystems=("/mnt/bv",),
        groups=("bv",),
        storage={
            "volume_groups": {"bv": {"volumes": list(volumes)}},
            "filesystems": {
                "bv": {
                    "volume_group": "bv",
                    "logical_volume": "bv",
                    "mount": "/mnt/bv",
                    "options": "defaults,_netdev,noatime,nofail",
                }
            },
            "exports": [{"path": "/mnt/bv", "clients": ["*"], "options": "rw,sync,no_root_squash"}],
        },
        by_address=True,
        second_nic=True,
        agent_login=True,
    )


SHAPE = shape()
