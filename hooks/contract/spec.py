"""What a host should carry, as values; contract/parse.py makes them of JSON and lets nothing else through."""

from typing import TYPE_CHECKING, NamedTuple, Optional, Tuple, Union

if TYPE_CHECKING:  # a server starts without its modules
    from hooks.contract.client_spec import ClientSpec


class SpecVolume(NamedTuple):
    """One block volume and the portal of its present attachment."""

    name: str
    volume_id: Optional[str]
    iqn: str
    address: str
    port: int
    shareable: bool = False

    @property
    def portal(self) -> str:
        return "{}:{}".format("[" + self.address + "]" if ":" in self.address else self.address, self.port)

    @property
    def link(self) -> str:
        """udev's name by path; OCI's data volumes are LUN 1 of their target."""
        return "/dev/disk/by-path/ip-{}-iscsi-{}-lun-1".format(self.portal, self.iqn)


class VolumeGroup(NamedTuple):
    name: str
    volumes: Tuple[str, ...]


class Filesystem(NamedTuple):
    """On a logical volume, or straight on a volume or a partition of one: then there are `iqns`.

    `iqns`: of all volumes, its own first. The UUID tells which one it is: where the metadata service does not
    name the volume of an attachment, names and IQNs of the spec may be paired otherwise.
    """

    volume_group: str
    logical_volume: str
    mount: str
    type: str
    options: str
    uuid: Optional[str]
    iqns: Tuple[str, ...] = ()

    @property
    def device(self) -> str:
        """As fstab has it. A path of an attachment would be another one after the next attachment."""
        if self.iqns:
            return "UUID={}".format(self.uuid)
        return "/dev/{}/{}".format(self.volume_group, self.logical_volume)

    @property
    def aliases(self) -> Tuple[str, ...]:
        """Every way in which fstab may name this filesystem's device; device-mapper doubles hyphens."""
        mapped = "-".join(part.replace("-", "--") for part in (self.volume_group, self.logical_volume))
        names = [self.device, "/dev/mapper/" + mapped]
        return tuple(names + (["UUID=" + self.uuid] if self.uuid else []))


class Export(NamedTuple):
    path: str
    clients: Tuple[str, ...]
    options: str
    fsid: Optional[int]


class ServiceAddress(NamedTuple):
    address: str
    prefix: int
    device: Optional[str]


class Locks(NamedTuple):
    """NFSv4's times in seconds: a client's lease, and the grace in which locks are taken back."""

    lease: int
    grace: int


class ServerSpec(NamedTuple):
    deadline_seconds: int
    volumes: Tuple[SpecVolume, ...]
    volume_groups: Tuple[VolumeGroup, ...]
    filesystems: Tuple[Filesystem, ...]
    exports: Tuple[Export, ...]
    service_address: Optional[ServiceAddress]
    settings: Tuple[str, ...] = ()
    role: str = "server"
    locks: Optional[Locks] = None  # None: locks do not outlive a takeover
    networks: Tuple[str, ...] = ()  # of the server's further VNICs, as CIDR blocks


Spec = Union[ServerSpec, "ClientSpec"]


def filesystem_of(spec: ServerSpec, path: str) -> Optional[Filesystem]:
    """The spec's filesystem that this path lies in: the one with the longest mount point."""
    holding = [item for item in spec.filesystems if (path + "/").startswith(item.mount + "/")]
    return max(holding, key=lambda item: len(item.mount)) if holding else None
