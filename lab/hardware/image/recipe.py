"""What the guests' image is made of, and the name that changes whenever any of it does."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.hardware.image.variants.catalogue import Variant
from lab.system.errors import HardwareError

HERE = Path(__file__).parent
VARIANTS = HERE / "variants"
PACKAGES = (
    # a machine that boots
    "linux-image-cloud-amd64,systemd,systemd-sysv,udev,dbus,kmod,busybox-static,libnss-myhostname,"
    "iproute2,iputils-arping,iputils-ping,procps,psmisc,netbase,less,zstd,"
    # as OCI's images are reached and set up; the Oracle data source needs a DHCP client of its own
    "cloud-init,isc-dhcp-client,openssh-server,sudo,python3,"
    # what serves and mounts
    "open-iscsi,lvm2,xfsprogs,nfs-kernel-server,nfs-common,rpcbind,"
    # off, until a test of them wants them
    "firewalld,autofs"
)
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))


@dataclass(frozen=True)
class Recipe:
    """One image's ingredients. `key` names the image in the cache: 16 hex digits."""

    suite: str
    packages: str
    sources: Path
    key: str


def recipe() -> Recipe:
    """This machine's recipe: its Debian release and apt sources with this folder's files."""
    suite = _release()
    digest = hashlib.sha256(json.dumps([suite, PACKAGES]).encode())
    own = (path for path in HERE.rglob("*") if not path.is_relative_to(VARIANTS))
    for file in sorted(path for path in own if path.is_file() and path.suffix != ".pyc"):
        digest.update(_ingredient(file))
    return Recipe(suite, PACKAGES, _sources(), digest.hexdigest()[:16])


def variant_key(base: Recipe, variant: Variant) -> str:
    """The name of a variant's image in the cache: 16 hex digits."""
    digest = hashlib.sha256(f"{base.key}\n{json.dumps(asdict(variant))}\n".encode())
    for file in [VARIANTS / "lay.sh", *variant.files()]:
        digest.update(_ingredient(file))
    return digest.hexdigest()[:16]


def _ingredient(file: Path) -> bytes:
    content = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
    return f"{file.relative_to(HERE)}\n".encode() + content


def _release() -> str:
    lines = Path("/etc/os-release").read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    if fields.get("ID") != "debian":
        raise HardwareError(f"the lab's guests are made on Debian; /etc/os-release says {fields.get('ID')}")
    return fields["VERSION_CODENAME"].strip('"')


def _sources() -> Path:
    for path in SOURCES:
        if path.is_file() and path.stat().st_size:
            return path
    raise HardwareError(f"no apt sources of Debian in {' or '.join(map(str, SOURCES))}: add them")
