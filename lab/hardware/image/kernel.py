"""The guests' kernel and initrd, taken out of the image: unpacked beforehand, they boot seconds sooner."""

import shutil
import struct
import subprocess
from pathlib import Path

from lab.system.command import run
from lab.system.errors import HardwareError

UNPACKERS = {b"\x02!L\x18": "lz4", b"\xfd7zX": "xz", b"(\xb5/\xfd": "zstd"}
# in the order in which they depend on each other; cloud-init looks for a network card before udev has run
MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"),
    *("failover", "net_failover", "virtio_net"),
)


def unpack_kernel(image: Path, vmlinux: Path) -> None:
    """Write the ELF kernel inside a bzImage; QEMU starts it through its PVH note.

    Raises HardwareError for another kernel format.
    """
    payload = _payload(image.read_bytes())
    tool = UNPACKERS.get(payload[:4])
    if tool is None:
        raise HardwareError(f"{image}: its kernel is compressed in an unknown way ({payload[:4].hex()})")
    with vmlinux.open("wb") as file:
        subprocess.run([tool, "-dc"], input=payload, stdout=file, check=True)
    with vmlinux.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            raise HardwareError(f"{image}: {tool} found no ELF kernel in it")


def _payload(bzimage: bytes) -> bytes:
    """The compressed kernel, without the length that the kernel's build appends to it.

    Offsets are those of the boot protocol, Documentation/arch/x86/boot.rst in the kernel's source.
    """
    setup_sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    return bzimage[start : start + length - 4]


def pack_initrd(root: Path, initrd: Path, work: Path) -> None:
    """Write an initrd of busybox, the virtio modules and init.sh, in `work` as scratch space."""
    for folder in ("bin", "modules", "dev", "proc", "new"):
        (work / folder).mkdir(parents=True)
    shutil.copy(root / "bin/busybox", work / "bin/busybox")
    (work / "modules/order").write_text("".join(f"{name}\n" for name in MODULES))
    for name in MODULES:
        (module,) = (root / "usr/lib/modules").glob(f"*/kernel/**/{name}.ko")
        shutil.copy(module, work / "modules")
    shutil.copy(Path(__file__).parent / "init.sh", work / "init")
    (work / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(work)) for path in sorted(work.rglob("*")))
    run(["cpio", "--create", "--format=newc", "--quiet", "--file", initrd], stdin=names + "\n", cwd=work)
