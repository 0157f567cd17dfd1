"""The hooks at a URL: an HTTPS server on a guest, whose certificate another guest believes, or not yet."""

from __future__ import annotations

import base64
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.site.lab import Lab
from lab.site.nfs_site import ADDRESSES
from lab.system.paths import GUEST

# stands for the key in the address of a pre-authenticated request: nothing may print it
KEY = "key-of-the-hooks-that-nobody-prints"
_PATH, _PORT = f"/p/{KEY}/hooks.pyz", 8443
_FOLDER = "/usr/local/lib/hooks-server"
_PROGRAM = "hooks_server.py"
_PUT = 'mkdir -p "$(dirname "$1")" && base64 -d > "$1"'
# where the guest's Python, which loads the hooks, looks for certificates (ssl(3), SSL_CERT_FILE)
_BELIEVE = "import ssl; print(ssl.get_default_verify_paths().openssl_cafile)"


def address_on(host: str) -> str:
    """The hooks' URL when this guest serves them."""
    return f"https://{ADDRESSES[host]}:{_PORT}{_PATH}"


def serve(lab: Lab, host: str, hooks: bytes) -> bytes:
    """Have this guest serve these bytes at its URL; the certificate in PEM. Raises HardwareError."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key, ADDRESSES[host])
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    program = (GUEST / _PROGRAM).read_bytes()
    for name, content in (("server.pem", private + certificate), ("hooks", hooks), (_PROGRAM, program)):
        _put(lab, host, f"{_FOLDER}/{name}", content)
    argv = (f"{_FOLDER}/{_PROGRAM}", f"{_FOLDER}/server.pem", f"{_FOLDER}/hooks", _PATH, str(_PORT))
    lab.on(host, "sudo", "systemd-run", "-q", "--unit=hooks-server", "python3", *argv)
    return certificate


def believe(lab: Lab, host: str, certificate: bytes) -> None:
    """Have the programs of this guest believe the certificate. Raises HardwareError."""
    _put(lab, host, lab.on(host, "python3", "-c", _BELIEVE).strip(), certificate)


def _put(lab: Lab, host: str, path: str, content: bytes) -> None:
    lab.on(host, "sudo", "sh", "-ec", _PUT, "put", path, stdin=base64.b64encode(content).decode())


def _certificate(key: ec.EllipticCurvePrivateKey, address: str) -> bytes:
    """A certificate of its own authority for this IP address, good for a day either side of now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks-server")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)
