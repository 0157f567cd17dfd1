"""The site of the manual procedure, as the page builds it: a line of fstab that waits for its volume."""

from lab.site.shapes.shape import SiteShape

SHAPE = SiteShape(
    name="tip",
    volumes=("bv1", "bv2"),
    server="tip.sh",
    lines=("{server}:/mnt/a\t/mnt/nfs/a\tnfs\tdefaults\t0\t0",),
    path="/mnt/a",
    mount="/mnt/nfs/a",
    filesystems=("/mnt/a",),
    groups=("vg1",),
    storage={
        "volume_groups": {"vg1": {"volumes": ["bv1", "bv2"]}},
        "filesystems": {"a": {"volume_group": "vg1", "logical_volume": "lv01", "mount": "/mnt/a"}},
        "exports": [{"path": "/mnt/a", "clients": ["10.0.0.0/16"], "options": "rw"}],
    },
    masked=True,
)
