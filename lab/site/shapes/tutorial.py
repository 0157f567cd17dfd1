"""The site of Oracle's tutorials for file servers: one striped volume group, a line of fstab by label."""

from lab.site.shapes.shape import SiteShape

OPTIONS = (
    "vers=3,defaults,noatime,nodiratime,bg,timeo=100,ac,actimeo=120,nocto,rsize=1048576,wsize=1048576,"
    "nolock,local_lock=none,proto=tcp,sec=sys,_netdev"
)


def shape(name: str, count: int) -> SiteShape:
    """The site on so many volumes; the tutorials' stacks make 15 or 32."""
    volumes = tuple(f"bv{number:02d}" for number in range(1, count + 1))
    return SiteShape(
        name=name,
        volumes=volumes,
        server="tutorial.sh",
        fstabs="tutorial",
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


SHAPE = shape("tutorial", 4)
# as many as an instance can have attached
LARGE = shape("tutorial-32", 32)
