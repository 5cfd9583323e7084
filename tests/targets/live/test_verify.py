"""The verdict on a chain, without a connection, against the verdict of the openssl program."""

from __future__ import annotations

import datetime
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from okxdoctor.targets.live.trust import bare_context
from okxdoctor.targets.live.verify import dateless, leads_to_root

PAST = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)


def store(*roots: trustme.CA) -> ssl.SSLContext:
    context = bare_context()
    for root in roots:
        context.load_verify_locations(cadata=root.cert_pem.bytes().decode())
    return dateless(context)


def der(leaf: trustme.LeafCert) -> list[bytes]:
    return [ssl.PEM_cert_to_DER_cert(pem.bytes().decode()) for pem in leaf.cert_chain_pems]


@pytest.mark.parametrize("key", [trustme.KeyType.RSA, trustme.KeyType.ECDSA])
@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("case", ["whole", "stranger", "leaf-alone", "no-store"])
def test_it_agrees_with_openssl_verify(openssl: Any, tmp_path: Path, key: Any, depth: int, case: str) -> None:
    root = issuer = trustme.CA(key_type=key)
    for _ in range(depth):
        issuer = issuer.create_child_ca(key_type=key)
    leaf = issuer.issue_cert("api.test", not_before=PAST, not_after=PAST + datetime.timedelta(days=1), key_type=key)
    trusted = {"stranger": (trustme.CA(),), "no-store": ()}.get(case, (root,))
    chain = der(leaf)[:1] if case == "leaf-alone" else der(leaf)

    leaf_file, rest, roots = tmp_path / "leaf.pem", tmp_path / "rest.pem", tmp_path / "roots.pem"
    pems = [ssl.DER_cert_to_PEM_cert(one) for one in chain]
    leaf_file.write_text(pems[0])
    rest.write_text("".join(pems[1:]) or pems[0])
    roots.write_bytes(b"".join(one.cert_pem.bytes() for one in trusted))
    where = ("-CAfile", str(roots)) if trusted else ("-no-CAfile",)
    said = openssl(
        "verify", "-no_check_time", "-no-CApath", "-no-CAstore", *where, "-untrusted", str(rest), str(leaf_file)
    )

    code, message = leads_to_root(chain, store(*trusted), rsa=key is trustme.KeyType.RSA)
    if said.strip().endswith(": OK"):
        assert (code, message) == (0, "")
    else:
        assert f"error {code} at" in said
        assert message in said


def test_each_store_is_asked_by_its_own_flags() -> None:
    """Strictness is part of what a Python verifies with: since 3.13 a root without key identifier is refused."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def build(subject: str, key: Any, signing: Any, *, ca: bool) -> Any:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Corporate Root"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(PAST)
            .not_valid_after(PAST + datetime.timedelta(days=9000))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(signing, hashes.SHA256())
        )

    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = build("Corporate Root", root_key, root_key, ca=True)
    leaf = build("api.test", leaf_key, root_key, ca=False)

    def verdict(strict: bool) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=root.public_bytes(Encoding.PEM).decode())
        if strict:
            context.verify_flags |= ssl.VERIFY_X509_STRICT
        return leads_to_root([leaf.public_bytes(Encoding.DER)], dateless(context), rsa=False)[0]

    assert verdict(strict=False) == 0
    assert verdict(strict=True) in (85, 86, 89, 92)  # missing key identifiers or key usage, <openssl/x509_vfy.h>
    strict_here = bool(bare_context().verify_flags & ssl.VERIFY_X509_STRICT)
    assert strict_here is (sys.version_info >= (3, 13))
    assert bare_context().verify_flags == ssl.create_default_context().verify_flags


@pytest.mark.parametrize("chain", [[], [b""], [b"garbage"], [b"\x30\x82\xff\xff"], [b"x" * 100_000]])
def test_what_is_no_chain_is_no_success(chain: list[bytes]) -> None:
    code, message = leads_to_root(chain, store(trustme.CA()), rsa=True)
    assert code != 0
    assert message


def test_a_long_chain_goes_over_several_records() -> None:
    root = trustme.CA(key_type=trustme.KeyType.RSA)
    chain = der(root.issue_cert("api.test", key_type=trustme.KeyType.RSA)) * 40
    assert sum(map(len, chain)) > 2 * 16384
    assert leads_to_root(chain, store(root), rsa=True)[0] == 0
