"""Certificates from DER to facts. Total: what cannot be read says so in its subject."""

from __future__ import annotations

import hashlib
import ssl
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from okxdoctor.port import Certificate

_SHORT = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
}


def sent_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates that the peer sent, DER, leaf first, unverified.

    Public since Python 3.13; before, the same method sits on the object underneath and returns objects of its own.
    """
    if sys.version_info >= (3, 13):
        return tuple(tls.get_unverified_chain() or ())
    inner: Any = getattr(tls, "_sslobj", None)
    chain: Iterable[Any] = inner.get_unverified_chain() or () if inner is not None else ()
    return tuple(ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in chain)


def describe(der: bytes) -> Certificate:
    """One certificate as facts."""
    try:
        parsed = x509.load_der_x509_certificate(der)
        return _describe(parsed, der)
    except Exception as error:
        # A stranger's bytes. What the library raises on them differs between its versions (ValueError,
        # InvalidVersion, KeyError, …), and none of it is a defect of ours.
        return Certificate(
            subject=f"unreadable: {type(error).__name__}",
            issuer="",
            names=(),
            not_before="",
            not_after="",
            serial="",
            sha256=hashlib.sha256(der).hexdigest(),
            key_type="unknown",
            key_bits=0,
            signature_hash="",
            is_ca=False,
            self_issued=False,
        )


def _describe(parsed: x509.Certificate, der: bytes) -> Certificate:
    key_type, key_bits = _key(parsed)
    extensions = _extensions(parsed)
    return Certificate(
        subject=_name(parsed.subject),
        issuer=_name(parsed.issuer),
        names=_names(extensions),
        not_before=_instant(parsed.not_valid_before_utc),
        not_after=_instant(parsed.not_valid_after_utc),
        serial=f"{parsed.serial_number:x}",
        sha256=hashlib.sha256(der).hexdigest(),
        key_type=key_type,
        key_bits=key_bits,
        signature_hash=_hash(parsed),
        is_ca=_is_ca(extensions),
        self_issued=parsed.subject == parsed.issuer,
        aia_issuers=_aia(extensions),
    )


def _extensions(parsed: x509.Certificate) -> x509.Extensions | None:
    try:
        return parsed.extensions
    except (ValueError, x509.DuplicateExtension, UnsupportedAlgorithm):
        return None


def _name(name: x509.Name) -> str:
    """``CN=…, O=…``; the most telling first, values shortened so that a hostile one stays one line."""
    parts = [(_SHORT.get(attribute.oid, attribute.oid.dotted_string), str(attribute.value)) for attribute in name]
    order = list(_SHORT.values())
    parts.sort(key=lambda part: order.index(part[0]) if part[0] in order else len(order))
    return ", ".join(f"{short}={''.join(c for c in value[:100] if c.isprintable())}" for short, value in parts)


def _names(extensions: x509.Extensions | None) -> tuple[str, ...]:
    if extensions is None:
        return ()
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    found = names.get_values_for_type(x509.DNSName)
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return (*found, *addresses)


def _is_ca(extensions: x509.Extensions | None) -> bool:
    if extensions is None:
        return False
    try:
        return bool(extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _aia(extensions: x509.Extensions | None) -> tuple[str, ...]:
    """Where the issuer's certificate can be had, as the certificate itself says (RFC 5280 §4.2.2.1)."""
    if extensions is None:
        return ()
    try:
        access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(
        description.access_location.value
        for description in access
        if description.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(description.access_location, x509.UniformResourceIdentifier)
    )


def _key(parsed: x509.Certificate) -> tuple[str, int]:
    try:
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "unknown", 0
    match key:
        case rsa.RSAPublicKey():
            return "RSA", key.key_size
        case ec.EllipticCurvePublicKey():
            return "EC", key.key_size
        case dsa.DSAPublicKey():
            return "DSA", key.key_size
        case ed25519.Ed25519PublicKey():
            return "Ed25519", 256
        case ed448.Ed448PublicKey():
            return "Ed448", 456
        case _:
            return "unknown", 0


def _hash(parsed: x509.Certificate) -> str:
    """``sha256``; the algorithm's own name where the scheme has its hash built in; its OID where unknown."""
    try:
        algorithm = parsed.signature_hash_algorithm
    except (UnsupportedAlgorithm, ValueError):
        return parsed.signature_algorithm_oid.dotted_string
    if algorithm is not None:
        return algorithm.name
    return {"1.3.101.112": "ed25519", "1.3.101.113": "ed448"}.get(
        parsed.signature_algorithm_oid.dotted_string, parsed.signature_algorithm_oid.dotted_string
    )


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fetched(content: bytes) -> tuple[bytes, ...]:
    """Certificates in what an AIA address answered: DER, PEM or a PKCS #7 bundle (RFC 5280 §4.2.2.1), as DER."""
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    readers: tuple[Callable[[bytes], list[x509.Certificate]], ...] = (
        lambda data: [x509.load_der_x509_certificate(data)],
        x509.load_pem_x509_certificates,
        pkcs7.load_der_pkcs7_certificates,
    )
    for read in readers:
        try:
            return tuple(certificate.public_bytes(Encoding.DER) for certificate in read(content))
        except Exception:  # as above: a stranger's bytes
            continue
    return ()
