"""The sites that a lab can build, by name."""

from lab.site.shapes import lab, oci_hpc, oci_nfs, tip, tutorial
from lab.site.shapes.shape import SiteShape

SHAPES: dict[str, SiteShape] = {
    shape.name: shape
    for shape in (lab.SHAPE, tip.SHAPE, tutorial.SHAPE, tutorial.LARGE, oci_nfs.SHAPE, oci_hpc.SHAPE)
}
