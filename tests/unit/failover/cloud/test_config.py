"""The OCI configuration of a site: what is wrong with it is a line with a remedy; its key is read once."""

from __future__ import annotations

from pathlib import Path

import oci
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from failover.cloud.compute import Cloud
from failover.cloud.config import configuration, signing
from failover.model.outcome import Usage
from failover.model.site import CloudAccess

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def access(tmp_path: Path) -> CloudAccess:
    """An OCI configuration without a passphrase, and its key."""
    write_key(tmp_path, serialization.NoEncryption())
    (tmp_path / "config").write_text(
        "[DEFAULT]\nuser=ocid1.user.oc1..a\ntenancy=ocid1.tenancy.oc1..a\nregion=us-phoenix-1\n"
        f"fingerprint={':'.join(['12'] * 16)}\nkey_file={tmp_path}/key.pem\n"
    )
    return CloudAccess(tmp_path / "config", "DEFAULT", "")


def write_key(folder: Path, encryption: serialization.KeySerializationEncryption) -> None:
    pem = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    (folder / "key.pem").write_bytes(pem)


def test_clients_share_one_reading_of_the_key(access: CloudAccess) -> None:
    clients = [Cloud(access).client(oci.core.ComputeClient) for _ in range(2)]
    assert clients[0].base_client.signer is clients[1].base_client.signer


def test_a_key_that_wants_a_passphrase_is_named(access: CloudAccess, tmp_path: Path) -> None:
    write_key(tmp_path, serialization.BestAvailableEncryption(b"secret"))
    with pytest.raises(Usage, match=rf"{tmp_path}/key\.pem: .*passphrase") as raised:
        Cloud(access)
    assert "pass_phrase" in raised.value.remedy


def test_a_file_that_is_no_key_is_named(access: CloudAccess, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("not a key\n")
    with pytest.raises(Usage, match=r"key\.pem: .*not a private key"):
        Cloud(access)


def test_other_ways_to_sign_are_the_sdk_s_own(access: CloudAccess) -> None:
    assert signing({**configuration(access), "authentication_type": "security_token"}) == {}
