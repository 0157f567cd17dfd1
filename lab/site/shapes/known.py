"""The sites that a lab can build, by name."""

from lab.site.shapes import lab, oci_hpc, oci_nfs, tip, tutorial
from lab.site.shapes.shape import SiteShape

SHAPES: dict[str, SiteShape] = {
    module.SHAPE.name: module.SHAPE for module in (lab, tip, tutorial, oci_nfs, oci_hpc)
}
