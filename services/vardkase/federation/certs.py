"""Certificates of links, for tests and small deployments: an authority of the federation's own, and one for each node.

Whoever has a public key infrastructure gives its certificates instead (docs/operations); nothing else here knows where
one came from. Keys are ECDSA P-256; a certificate serves both ends of TLS, since every link shows one to the other.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vardkase.runtime.errors import Failed

AUTHORITY_DAYS: Final = 3650
"""How long an authority holds."""
NODE_DAYS: Final = 825
"""How long a node's certificate holds; `federation check` warns a month before."""
_BACKDATED: Final = timedelta(hours=1)
"""A node whose clock is slow must not refuse a new certificate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """A certificate and its key, PEM."""

    cert: str
    key: str = field(repr=False)


def authority(name: str, now: datetime) -> Certificate:
    """A new authority.

    Args:
        name: the federation's.
        now: aware.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name[:50]} federation")])
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pem(cert, key)


def issue(ca: Certificate, node: str, hosts: Sequence[str], now: datetime, *, days: int = NODE_DAYS) -> Certificate:
    """A certificate for a node.

    Args:
        ca: the authority.
        node: its name.
        hosts: the names and addresses that it is dialled by; none for a node that has no children.
        now: aware.
        days: how long it holds.

    Raises:
        Failed: the authority cannot be read, or has ended.
    """
    above = parsed(ca.cert)
    try:
        signer = serialization.load_pem_private_key(ca.key.encode(), password=None)
    except (ValueError, TypeError):
        raise Failed("the authority's key cannot be read: expected PEM without a password") from None
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise Failed("the authority's key is no ECDSA key")
    until = min(now + timedelta(days=days), above.not_valid_after_utc)
    if until <= now:
        raise Failed("the authority has ended: make another")
    key = ec.generate_private_key(ec.SECP256R1())
    cert = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)]))
        .issuer_name(above.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(node), *map(_host, hosts)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return _pem(cert, key)


def parsed(pem: str) -> x509.Certificate:
    """A certificate.

    Raises:
        Failed: the text is none.
    """
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise Failed("expected a certificate in PEM") from None


def _pem(cert: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Certificate:
    plain = serialization.NoEncryption()
    return Certificate(
        cert=cert.public_bytes(serialization.Encoding.PEM).decode(),
        key=key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode(),
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
