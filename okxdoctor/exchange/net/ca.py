"""The exchange's own certificate authority: a root, an intermediate, and leaves with chosen defects.

The hierarchy is built as a public one is (root → issuing intermediate → leaf with AIA), so that "the
intermediate was not sent" and "the chain ends in a root that nobody knows" are true states of a server.
Extensions follow RFC 5280 closely enough for ``VERIFY_X509_STRICT``, which Python 3.13 sets by default:
critical basic constraints and key usage on authorities, subject and authority key identifiers everywhere.

Certificates are made with *cryptography*; a SHA-1 signature, which it refuses to make, is computed here.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

LeafKey = Literal["ec", "rsa2048", "rsa1024"]
Digest = Literal["sha256", "sha1"]
_PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

VALID_FROM = timedelta(days=-1)
VALID_UNTIL = timedelta(days=90)
"""Default life of a leaf around the authority's ``now``: clear of every "expires soon" limit in use."""

_ALWAYS = (datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
"""Life of the authorities: a client has their file from before, whatever time it is made to be."""

# DER of sha256WithRSAEncryption and sha1WithRSAEncryption (RFC 8017 A.2.4): same length, last octet differs,
# so one can stand for the other in a finished certificate without touching any DER length.
_SHA256_RSA = bytes.fromhex("06092a864886f70d01010b")
_SHA1_RSA = bytes.fromhex("06092a864886f70d010105")
_SHA1_DIGEST_INFO = bytes.fromhex("3021300906052b0e03021a05000414")

_OAKLEY_2 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
    "49286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafMaterial:
    """What a server needs to speak TLS.

    ``certificates``  PEM, leaf first, in the order in which they are sent
    ``key_pem``       PKCS#8 PEM of the leaf's key, not encrypted; kept out of ``repr``
    """

    certificates: tuple[bytes, ...]
    key_pem: bytes

    @property
    def chain_pem(self) -> bytes:
        return b"".join(self.certificates)

    def __repr__(self) -> str:
        return f"LeafMaterial(certificates={len(self.certificates)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityNames:
    """Who the authority says it is."""

    organization: str
    root: str
    issuing: str


EXCHANGE_NAMES = AuthorityNames(
    organization="okxdoctor embedded exchange",
    root="okxdoctor exchange root",
    issuing="okxdoctor exchange issuing 1",
)
INSPECTION_NAMES = AuthorityNames(
    organization="Example Corp IT Security",
    root="Example Corp TLS Inspection Root",
    issuing="Example Corp TLS Inspection Gateway 2",
)
RETIRED_NAMES = AuthorityNames(
    organization="okxdoctor embedded exchange",
    root="okxdoctor exchange root 2019",
    issuing="okxdoctor exchange issuing 2019",
)
PARTNER_NAMES = AuthorityNames(
    organization="Example Corp API Gateway",
    root="Example Corp Partner Root",
    issuing="Example Corp Partner Issuing 1",
)
"""Whose certificates a gateway wants to see of its clients."""


class Authority:
    """A root and one issuing intermediate, both with EC P-256 keys, alive only in this process.

    ``now``      one time for everybody; default: real UTC now, once
    ``times``    instead: what the clocks say that certificates are judged by (this machine's and the exchange's
                 virtual one). What is to be valid is valid by all of them, what is not by none.
    ``aia_url``  where ``issuing_der`` is served; written into every leaf (``caIssuers``) unless None.
    """

    def __init__(
        self,
        *,
        now: datetime | None = None,
        times: Callable[[], tuple[datetime, ...]] | None = None,
        aia_url: str | None = None,
        names: AuthorityNames = EXCHANGE_NAMES,
    ) -> None:
        fixed = now or datetime.now(UTC)
        self.times = times or (lambda: (fixed,))
        self.aia_url = aia_url
        self.names = names
        self.contexts: dict[Hashable, tuple[ssl.SSLContext, tuple[datetime, datetime]]] = {}
        """Contexts made so far, by what was wished, and the times they were made for: ports of one server share one."""
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._root = self._sign_authority(common_name=names.root, key=self._root_key, issuer=None, path_length=1)
        self._issuing_key = ec.generate_private_key(ec.SECP256R1())
        self._issuing = self._sign_authority(
            common_name=names.issuing, key=self._issuing_key, issuer=self._root, path_length=0
        )

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The earliest and the latest time that any of the clocks shows."""
        times = self.times()
        return min(times), max(times)

    @property
    def now(self) -> datetime:
        """The latest time that any of the clocks shows."""
        return self.span[1]

    @property
    def root_pem(self) -> bytes:
        return _pem(self._root)

    @property
    def issuing_pem(self) -> bytes:
        return _pem(self._issuing)

    @property
    def issuing_der(self) -> bytes:
        """The intermediate as an AIA server hands it out (``application/pkix-cert``)."""
        return self._issuing.public_bytes(serialization.Encoding.DER)

    def root_file(self, directory: Path) -> Path:
        """Write the root alone into ``directory``; returns the path."""
        path = directory / "exchange-root.pem"
        path.write_bytes(self.root_pem)
        return path

    def bundle_file(self, directory: Path) -> Path:
        """Write the root beside certifi's public roots, for ``SSL_CERT_FILE`` and its relatives; returns the path."""
        import certifi

        path = directory / "exchange-and-public-roots.pem"
        path.write_bytes(self.root_pem + b"\n" + Path(certifi.where()).read_bytes())
        return path

    def leaf(
        self,
        names: Iterable[str],
        *,
        valid_from: timedelta = VALID_FROM,
        valid_until: timedelta = VALID_UNTIL,
        key: LeafKey = "ec",
        digest: Digest = "sha256",
        with_root: bool = False,
        issuer_until: timedelta | None = None,
        alternative_names: bool = True,
    ) -> LeafMaterial:
        """Issue a leaf for DNS names and IP addresses; the first DNS name is also the common name.

        ``valid_from``, ``valid_until`` and ``issuer_until`` (the end of the intermediate, if not far away) are
        relative to the clocks' times.  ``with_root`` sends the root as well, as many inspection proxies do.
        ``digest="sha1"`` brings an RSA intermediate of its own into the chain.  Without ``alternative_names``
        the common name is all that names the host, as in certificates of old appliances.
        """
        alternative = subject_alternative_names(names)
        private = _new_key(key)
        begins, ends = lifetime(self.span, valid_from, valid_until)
        if digest == "sha1":
            issuer_key: _PrivateKey = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            issuer = self._sign_authority(
                common_name=f"{self.names.issuing} RSA", key=issuer_key, issuer=self._root, path_length=0
            )
        else:
            issuer_key, issuer = self._issuing_key, self._issuing
        if issuer_until is not None:
            issuer = self._sign_authority(
                common_name=self.names.issuing, key=issuer_key, issuer=self._root, path_length=0,
                valid=lifetime(self.span, min(issuer_until, timedelta()) - timedelta(days=365), issuer_until),
            )  # fmt: skip
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(self.names.organization, _common_name(alternative)))
            .issuer_name(issuer.subject)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False, key=private), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
            .add_extension(_authority_key_identifier(issuer), critical=False)
        )
        if alternative_names:
            builder = builder.add_extension(alternative, critical=False)
        if self.aia_url is not None:
            access = x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(self.aia_url)
            )
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        certificate = builder.sign(issuer_key, hashes.SHA256())
        der = certificate.public_bytes(serialization.Encoding.DER)
        if digest == "sha1":
            assert isinstance(issuer_key, rsa.RSAPrivateKey)
            der = _signed_again_with_sha1(certificate, der, issuer_key)
        sent = [ssl.DER_cert_to_PEM_cert(der).encode(), _pem(issuer)]
        if with_root:
            sent.append(self.root_pem)
        return LeafMaterial(certificates=tuple(sent), key_pem=_key_pem(private))

    def server_context(
        self,
        names: Iterable[str],
        *,
        alpn: Sequence[str] = ("http/1.1",),
    ) -> ssl.SSLContext:
        """A healthy server's context: a leaf for ``names``, full chain, TLS 1.2 and 1.3."""
        return server_context(self.leaf(names), alpn=alpn)

    def _sign_authority(
        self,
        *,
        common_name: str,
        key: _PrivateKey,
        issuer: x509.Certificate | None,
        path_length: int,
        valid: tuple[datetime, datetime] = _ALWAYS,
    ) -> x509.Certificate:
        subject = _subject(self.names.organization, common_name)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(valid[0])
            .not_valid_after(valid[1])
            .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if issuer is not None:
            builder = builder.add_extension(_authority_key_identifier(issuer), critical=False)
        return builder.sign(self._root_key, hashes.SHA256())


def lifetime(span: tuple[datetime, datetime], begins: timedelta, ends: timedelta) -> tuple[datetime, datetime]:
    """From and until when, relative to now, where clocks differ on what now is: past by all, or ahead by all."""
    earliest, latest = span
    after = (latest if ends > timedelta() else earliest) + ends
    before = (latest if begins > timedelta() else earliest) + begins
    return max(before, _ALWAYS[0]), min(after, _ALWAYS[1])


def self_signed(
    names: Iterable[str],
    *,
    span: tuple[datetime, datetime] | None = None,
    valid_from: timedelta = VALID_FROM,
    valid_until: timedelta = VALID_UNTIL,
    key: LeafKey = "ec",
    authority: bool = False,
) -> LeafMaterial:
    """A leaf that is its own issuer, for the right names: what an appliance shows before anyone configured it.

    ``authority``: it says of itself that it may issue others, as many appliances' do.
    """
    now = datetime.now(UTC)
    begins, ends = lifetime(span or (now, now), valid_from, valid_until)
    alternative = subject_alternative_names(names)
    private = _new_key(key)
    subject = _subject(None, _common_name(alternative))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(alternative, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    return LeafMaterial(certificates=(_pem(certificate),), key_pem=_key_pem(private))


def server_context(
    material: LeafMaterial, *, alpn: Sequence[str] = ("http/1.1",), accept_weak: bool = False, ciphers: str = "DEFAULT"
) -> ssl.SSLContext:
    """A server-side context for ``material``.

    ``accept_weak`` lowers OpenSSL's security level to 0, without which it refuses to load an RSA-1024 key or a
    SHA-1 signature at all; ``ciphers`` (of TLS 1.2 and below) are then what it takes.  The key passes through a
    private temporary file: ``ssl`` takes it from nowhere else.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Far away a TLS 1.3 ticket arrives when the client has long sent its request. On loopback it arrives meanwhile,
    # and a client that reads in one thread and writes in another (websockets.sync does) hangs now and then: OpenSSL
    # runs one state machine in both. Nobody resumes a session here, so no ticket is given.
    context.num_tickets = 0
    if accept_weak:
        context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    if alpn:
        context.set_alpn_protocols(list(alpn))
    descriptor, path = tempfile.mkstemp(prefix="okxdoctor-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(material.key_pem + material.chain_pem)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
    return context


def use_small_group(context: ssl.SSLContext) -> None:
    """Let DHE ciphers use the second Oakley group, 1024 bits (RFC 2409 §6.2), as servers of before 2015 do."""
    # PKCS #3: SEQUENCE { prime INTEGER, base INTEGER 2 }; cryptography has given these groups up.
    der = bytes.fromhex("308187028181") + _OAKLEY_2.to_bytes(129) + bytes.fromhex("020102")
    lines = base64.encodebytes(der)
    descriptor, path = tempfile.mkstemp(prefix="okxdoctor-", suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"-----BEGIN DH PARAMETERS-----\n" + lines + b"-----END DH PARAMETERS-----\n")
        context.load_dh_params(path)
    finally:
        os.unlink(path)


def subject_alternative_names(names: Iterable[str]) -> x509.SubjectAlternativeName:
    """DNS names and IP addresses in the order given, each as its own type of name."""
    general: list[x509.GeneralName] = []
    for name in names:
        try:
            general.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            general.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(general)


def _common_name(alternative: x509.SubjectAlternativeName) -> str:
    first = alternative.get_values_for_type(x509.DNSName)[:1]
    # ub-common-name is 64 octets (RFC 5280, appendix A).
    return first[0][:64] if first else str(alternative.get_values_for_type(x509.IPAddress)[0])


def _subject(organization: str | None, common_name: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _key_usage(*, authority: bool, key: _PrivateKey | None = None) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=isinstance(key, rsa.RSAPrivateKey),
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _new_key(kind: LeafKey) -> _PrivateKey:
    match kind:
        case "ec":
            return ec.generate_private_key(ec.SECP256R1())
        case "rsa2048":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        case "rsa1024":
            return rsa.generate_private_key(public_exponent=65537, key_size=1024)


def _signed_again_with_sha1(certificate: x509.Certificate, der: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """Replace an RSA/SHA-256 signature by RSA/SHA-1 (PKCS #1 v1.5, RFC 8017 §8.2.1 and §9.2)."""
    body = certificate.tbs_certificate_bytes
    assert body.count(_SHA256_RSA) == 1
    assert der.endswith(certificate.signature)
    sha1_body = body.replace(_SHA256_RSA, _SHA1_RSA)
    size = key.key_size // 8
    digest = _SHA1_DIGEST_INFO + hashlib.sha1(sha1_body, usedforsecurity=False).digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    numbers = key.private_numbers()
    signature = pow(int.from_bytes(padded), numbers.d, numbers.public_numbers.n).to_bytes(size)
    outer = der[: -len(certificate.signature)].replace(body, sha1_body)
    return outer.replace(_SHA256_RSA, _SHA1_RSA) + signature


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: _PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
