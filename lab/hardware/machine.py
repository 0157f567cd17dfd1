"""The values that the lab's parts hand each other, so that the parts need not import one another."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """One guest as the cloud knows it. `mac` and `address` are what its DHCP lease is made of."""

    instance_id: str
    name: str
    mac: str
    address: str
    hostname: str
    memory_mb: int = 512


@dataclass(frozen=True)
class Nic:
    """A further network device. `network`: the subnet's number, 0 for the first; `router`: address/prefix."""

    mac: str
    network: int
    router: str


@dataclass(frozen=True)
class Portal:
    """Where an attached volume answers; belongs to the attachment, so the address differs each time."""

    iqn: str
    address: str
    port: int = 3260
