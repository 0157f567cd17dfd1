"""The fixed facts of one lab's tenancy (RUN/cloud.json) and the operator's credentials for it (RUN/oci/)."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from lab.api.core.ocid import REGION, new_ocid

DOMAINS = tuple(f"Lab1:{REGION.upper()}-AD-{number}" for number in (1, 2, 3))
FAULT_DOMAINS = ("FAULT-DOMAIN-1", "FAULT-DOMAIN-2", "FAULT-DOMAIN-3")


@dataclass(frozen=True)
class World:
    """OCIDs and names that exist from the start. `delay_factor` scales how long states last; 0 is at once."""

    tenancy_id: str
    compartment_id: str
    user_id: str
    vcn_id: str
    subnet_id: str
    storage_subnet_id: str
    network_security_group_id: str
    base_image_id: str
    availability_domains: tuple[str, ...] = DOMAINS
    region: str = REGION
    subnet_cidr: str = "10.0.0.0/24"
    storage_cidr: str = "10.0.2.0/24"  # of the subnet for second NICs
    delay_factor: float = 0.0

    @property
    def subnets(self) -> dict[str, str]:
        """The CIDR block of each subnet by its OCID; the first is the servers' and clients' own."""
        return {self.subnet_id: self.subnet_cidr, self.storage_subnet_id: self.storage_cidr}

    def knows_compartment(self, ocid: str) -> bool:
        return ocid in (self.compartment_id, self.tenancy_id)


def invent_world(delay_factor: float) -> World:
    return World(
        tenancy_id=new_ocid("tenancy", ""),
        compartment_id=new_ocid("compartment", ""),
        user_id=new_ocid("user", ""),
        vcn_id=new_ocid("vcn"),
        subnet_id=new_ocid("subnet"),
        storage_subnet_id=new_ocid("subnet"),
        network_security_group_id=new_ocid("networksecuritygroup"),
        base_image_id=new_ocid("image"),
        delay_factor=delay_factor,
    )


def load_world(run: Path) -> World:
    """RUN/cloud.json as a value."""
    facts = json.loads((run / "cloud.json").read_text())
    return World(**{**facts, "availability_domains": tuple(facts["availability_domains"])})


def save_world(run: Path, world: World) -> None:
    fresh = run / "cloud.json.new"
    fresh.write_text(json.dumps(asdict(world), indent=2) + "\n")
    fresh.replace(run / "cloud.json")


def write_credentials(run: Path, world: World) -> None:
    """RUN/oci/config as the SDK and the provider read it; its key is made once and kept."""
    folder = run / "oci"
    folder.mkdir(mode=0o700, exist_ok=True)
    pem = folder / "key.pem"
    if not pem.exists():
        pem.touch(mode=0o600)
        pem.write_bytes(_private(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    key = serialization.load_pem_private_key(pem.read_bytes(), password=None)
    lines = ("[DEFAULT]", f"user={world.user_id}", f"fingerprint={_fingerprint(key)}")
    # written every time: a lab restored into another directory has its key there
    more = (f"tenancy={world.tenancy_id}", f"region={world.region}", f"key_file={pem}")
    (folder / "config").touch(mode=0o600)
    (folder / "config").write_text("\n".join((*lines, *more)) + "\n")


def _private(key: rsa.RSAPrivateKey) -> bytes:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _fingerprint(key: PrivateKeyTypes) -> str:
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    raw = key.public_key().public_bytes(serialization.Encoding.DER, public)
    digest = hashlib.md5(raw, usedforsecurity=False).hexdigest()  # OCI's own form of a key's name
    return ":".join(digest[at : at + 2] for at in range(0, 32, 2))
