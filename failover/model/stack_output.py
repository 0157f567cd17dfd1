"""The stack's output `failover`: the one thing that Python reads of Terraform, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from failover.model.host import host_spec
from failover.model.host.host_spec import ServerDocument
from failover.model.outcome import Usage


@dataclass(frozen=True)
class Launch:
    """What a server is launched with. `private_ip` None: the subnet gives one.

    `ocpus`, `memory_gbs`: of a flexible shape; None for others and in a state that an older terraform/ wrote,
    where `nsg_ids` is empty.
    """

    image_id: str
    shape: str
    availability_domain: str
    subnet_id: str
    private_ip: str | None
    ocpus: float | None = None
    memory_gbs: float | None = None
    nsg_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vnic:
    """A network card of a server. `address` is None while it is not known, before the server is launched."""

    name: str
    subnet_id: str
    address: str | None
    is_primary: bool


@dataclass(frozen=True)
class Server:
    """A server of the stack. `instance_id` and `address` are None while it does not exist.

    `launch` is None for an adopted server, and in a state that an older terraform/ wrote. `compartment_id` is
    None in such a state, and for an adopted instance that Terraform could not read. `vnics`: all of them, the
    primary one among them; empty in such a state.
    """

    name: str
    hostname: str
    adopted: bool
    exists: bool
    instance_id: str | None
    address: str | None
    launch: Launch | None = None
    compartment_id: str | None = None
    vnics: tuple[Vnic, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address of its own that is known, the primary VNIC's first."""
        known = (self.address, *(vnic.address for vnic in self.vnics))
        return tuple(dict.fromkeys(address for address in known if address))


@dataclass(frozen=True)
class Volume:
    """A data volume and the attachment that Terraform's state holds for it (None: not attached)."""

    name: str
    volume_id: str
    attachment_id: str | None
    instance_id: str | None
    iqn: str | None
    address: str | None
    port: int | None


@dataclass(frozen=True)
class Stack:
    """What Terraform's state says. `spec` is the hooks' server spec, without the portals.

    `service_ip` and `dns_name` belong to the server that serves; None where the site does not have them, and
    in a state that an older terraform/ wrote.
    `region` is empty in a state that an older terraform/ wrote.
    """

    active: str
    compartment_id: str
    servers: Mapping[str, Server]
    volumes: Mapping[str, Volume]
    spec: ServerDocument
    service_ip: str | None = None
    dns_name: str | None = None
    region: str = ""

    def server_of(self, instance_id: str) -> Server | None:
        """The server that runs on this instance, None for a stranger."""
        return next((s for s in self.servers.values() if s.instance_id == instance_id), None)

    def compartment_of(self, server: Server) -> str | None:
        """Where the state has the server's instance; None when it does not say."""
        return server.compartment_id or (None if server.adopted else self.compartment_id)


def parse(output: Mapping[str, Any]) -> Stack:
    """A Stack out of the output's JSON; raises Usage naming the key that is missing."""
    try:
        return Stack(
            active=output["active"],
            compartment_id=output["compartment_id"],
            servers={name: _server(name, entry) for name, entry in output["servers"].items()},
            volumes={name: _volume(name, entry) for name, entry in output["volumes"].items()},
            spec=host_spec.of_output(output["spec"]),
            service_ip=output.get("service_ip"),
            dns_name=output.get("dns_name"),
            region=str(output.get("region") or ""),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Usage(
            f"the stack's output `failover` has no {error}: the state is from another version of terraform/",
            "run `terraform apply -refresh-only` in the stack's folder, then try again",
        ) from error


def _server(name: str, entry: Mapping[str, Any]) -> Server:
    return Server(
        name=name,
        hostname=entry["hostname"],
        adopted=entry["adopted"],
        exists=entry["exists"],
        instance_id=entry["instance_id"],
        address=entry["address"],
        launch=_launch(entry.get("launch")),
        compartment_id=entry.get("compartment_id"),
        vnics=tuple(_vnic(one) for one in entry.get("vnics") or ()),
    )


def _vnic(entry: Mapping[str, Any]) -> Vnic:
    return Vnic(entry["name"], entry["subnet_id"], entry["address"], entry["is_primary"])


def _launch(entry: Mapping[str, Any] | None) -> Launch | None:
    if entry is None:
        return None
    return Launch(
        image_id=entry["image_id"],
        shape=entry["shape"],
        availability_domain=entry["availability_domain"],
        subnet_id=entry["subnet_id"],
        private_ip=entry["private_ip"],
        ocpus=entry.get("ocpus"),
        memory_gbs=entry.get("memory_in_gbs"),
        nsg_ids=tuple(entry.get("nsg_ids") or ()),
    )


def _volume(name: str, entry: Mapping[str, Any]) -> Volume:
    return Volume(
        name=name,
        volume_id=entry["volume_id"],
        attachment_id=entry["attachment_id"],
        instance_id=entry["instance_id"],
        iqn=entry["iqn"],
        address=entry["address"],
        port=None if entry["port"] is None else int(entry["port"]),
    )
