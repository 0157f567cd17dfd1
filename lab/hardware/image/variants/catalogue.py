"""Which guests there are, and what each of them is made of beside the base image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.system.errors import HardwareError

HERE = Path(__file__).parent
_SELINUX = "security=selinux selinux=1"


@dataclass(frozen=True)
class Variant:
    """One kind of guest.

    user: who logs in. packages: Debian's packages beside the base image's. layers: folders here, in this
    order; each may have `root/`, files that are laid over the image, and `setup.sh`, which is run with the
    image's folder afterwards. kernel_words: added to the kernel's command line.
    """

    name: str
    user: str = "opc"
    packages: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    kernel_words: str = ""

    @property
    def enforces(self) -> bool:
        """Whether these guests run with SELinux enforcing."""
        return _SELINUX in self.kernel_words

    def files(self) -> list[Path]:
        """All files of its layers, sorted."""
        paths = (path for layer in self.layers for path in (HERE / layer).rglob("*"))
        return sorted(path for path in paths if path.is_file() or path.is_symlink())


DEBIAN = "debian"
_EL = ("network-manager", "selinux-policy-default", "policycoreutils", "selinux-utils", "python3-selinux")
_KNOWN = (
    Variant(DEBIAN),
    Variant(
        "ubuntu",
        user="ubuntu",
        packages=("netplan.io", "apparmor"),
        layers=("ubuntu",),
    ),
    Variant("el8", packages=_EL, layers=("el", "el8"), kernel_words=_SELINUX),
    # for `./inv bench --what pacemaker`: the base image, and a cluster's programs that are not started
    Variant(
        "pacemaker",
        packages=("pacemaker", "pacemaker-cli-utils", "corosync", "resource-agents"),
        layers=("pacemaker",),
    ),
    # for what clients do on a mount (lab/drill/workloads.py)
    Variant("workloads", packages=("git",)),
    Variant("el9", packages=_EL, layers=("el", "el9"), kernel_words=_SELINUX),
)
VARIANTS = {variant.name: variant for variant in _KNOWN}


def variant(name: str) -> Variant:
    """The variant of this name. Raises HardwareError for a name that is not known."""
    if name not in VARIANTS:
        raise HardwareError(f"no guests are called {name!r}: expected one of {', '.join(VARIANTS)}")
    return VARIANTS[name]
