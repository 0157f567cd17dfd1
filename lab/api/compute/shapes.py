"""The shapes that the lab offers. All of them run on the same small guests; their figures are Oracle's.

Source: https://docs.oracle.com/en-us/iaas/Content/Compute/References/computeshapes.htm
"""

from dataclasses import dataclass

from lab.api.core.call import Call, Tenancy
from lab.api.core.errors import invalid
from lab.api.core.store import Document


@dataclass(frozen=True)
class Shape:
    name: str
    ocpus: float
    memory_gbs: float
    gbps: float
    processor: str
    flexible: bool = False

    @property
    def nics(self) -> int:
        """Physical NICs that take VNICs: nicIndex counts them."""
        return 1 if self.flexible else 2

    @property
    def most_vnics(self) -> int:
        """The lab's machines have few slots; OCI's bare metal takes 256 VNICs, a small VM 2."""
        return 2


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("BM.Standard2.52", 52, 768, 50, "2.0 GHz Intel Xeon Platinum 8167M"),
        Shape("BM.Standard3.64", 64, 1024, 100, "2.6 GHz Intel Xeon Platinum 8358"),
        Shape("BM.Standard.E4.128", 128, 2048, 100, "2.55 GHz AMD EPYC 7J13"),
        Shape("BM.Standard.E5.192", 192, 2304, 100, "2.4 GHz AMD EPYC 9J14"),
        Shape("BM.Optimized3.36", 36, 512, 100, "3.0 GHz Intel Xeon 6354"),
        Shape("BM.DenseIO.E4.128", 128, 2048, 100, "2.55 GHz AMD EPYC 7J13"),
        Shape("VM.Standard.E4.Flex", 1, 16, 1, "2.55 GHz AMD EPYC 7J13", flexible=True),
        Shape("VM.Standard.E5.Flex", 1, 12, 1, "2.4 GHz AMD EPYC 9J14", flexible=True),
    )
}


def required_shape(name: str) -> Shape:
    """The shape of this name; raises 400 InvalidParameter for one that is not offered."""
    if name not in SHAPES:
        raise invalid(f"shape {name} is not offered; offered are {', '.join(sorted(SHAPES))}")
    return SHAPES[name]


def shape_config(name: str, details: Document | None) -> Document:
    """An instance's shapeConfig: the shape's figures, or the asked ones where the shape is flexible."""
    shape = required_shape(name)
    chosen = (details or {}) if shape.flexible else {}
    ocpus = float(chosen.get("ocpus") or shape.ocpus)
    memory = float(chosen.get("memoryInGBs") or shape.memory_gbs * ocpus / shape.ocpus)
    return {
        "ocpus": ocpus,
        "vcpus": int(ocpus * 2),
        "memoryInGBs": memory,
        "baselineOcpuUtilization": chosen.get("baselineOcpuUtilization"),
        "processorDescription": shape.processor,
        "networkingBandwidthInGbps": shape.gbps,
        "maxVnicAttachments": shape.most_vnics,
        "gpus": 0,
        "gpuDescription": None,
        "localDisks": 0,
        "localDisksTotalSizeInGBs": None,
        "localDiskDescription": None,
    }


def list_shapes(cloud: Tenancy, call: Call) -> list[Document]:
    """ListShapes. Refuses another compartment (404)."""
    cloud.require_compartment(call.required_query("compartmentId"))
    wanted = call.query.get("shape")
    return [_wire(shape) for shape in SHAPES.values() if wanted in (None, shape.name)]


def _wire(shape: Shape) -> Document:
    return {
        "shape": shape.name,
        "ocpus": float(shape.ocpus),
        "memoryInGBs": float(shape.memory_gbs),
        "networkingBandwidthInGbps": float(shape.gbps),
        "processorDescription": shape.processor,
        "maxVnicAttachments": shape.most_vnics,
        "gpus": 0,
        "localDisks": 0,
        "isFlexible": shape.flexible,
        "isSubcore": False,
        "billingType": "PAID",
    }
