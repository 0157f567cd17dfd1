"""The lab's own site: the manual procedure's names, on volumes that our own stack has attached."""

from lab.site.shapes.shape import SiteShape

SHAPE = SiteShape(
    name="lab",
    volumes=("bv1", "bv2"),
    server=None,
    lines=("{server}:/mnt/a /mnt/nfs/a nfs defaults,_netdev,nofail 0 0",),
    path="/mnt/a",
    mount="/mnt/nfs/a",
    filesystems=("/mnt/a",),
    groups=("vg1",),
    storage={},
)
