"""Certificates as the openssl program reads and verifies them."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import pytest

from okxdoctor.exchange.net.ca import INSPECTION_NAMES, Authority, LeafMaterial, self_signed

NAMES = ("openapi.okx.test", "www.okx.com", "127.0.0.1", "::1")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority(aia_url="http://127.0.0.1:8080/issuing.cer")


def verify(openssl: str, directory: Path, authority: Authority, leaf: LeafMaterial, *options: str) -> str:
    """``openssl verify`` of the chain as a client gets it; what it prints."""
    root, sent, own = directory / "root.pem", directory / "sent.pem", directory / "leaf.pem"
    root.write_bytes(authority.root_pem)
    sent.write_bytes(b"".join(leaf.certificates[1:]) or authority.root_pem)
    own.write_bytes(leaf.certificates[0])
    command = [openssl, "verify", "-no-CApath", "-no-CAfile", "-CAfile", str(root), "-untrusted", str(sent), *options]
    done = subprocess.run([*command, str(own)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def text_of(openssl: str, pem: bytes) -> str:
    command = [openssl, "x509", "-noout", "-text"]
    return subprocess.run(command, input=pem, capture_output=True, check=True).stdout.decode()


@pytest.mark.parametrize(
    "option",
    [
        ("-verify_hostname", "www.okx.com"),
        ("-verify_ip", "127.0.0.1"),
        ("-verify_ip", "::1"),
        ("-attime", str(int((datetime.now(UTC) + timedelta(days=89)).timestamp()))),
        ("-auth_level", "3"),
    ],
)
def test_leaf_verifies_strictly(openssl: str, tmp_path: Path, authority: Authority, option: tuple[str, str]) -> None:
    said = verify(openssl, tmp_path, authority, authority.leaf(NAMES), "-x509_strict", "-purpose", "sslserver", *option)
    assert said.endswith("leaf.pem: OK\n")


@pytest.mark.parametrize("option", [("-verify_hostname", "www.okx.org"), ("-verify_ip", "127.0.0.2")])
def test_leaf_covers_nothing_else(openssl: str, tmp_path: Path, authority: Authority, option: tuple[str, str]) -> None:
    assert "mismatch" in verify(openssl, tmp_path, authority, authority.leaf(NAMES), *option)


def test_leaf_says_where_its_issuer_is(openssl: str, authority: Authority) -> None:
    said = text_of(openssl, authority.leaf(NAMES).certificates[0])
    assert "CA Issuers - URI:http://127.0.0.1:8080/issuing.cer" in said
    assert "DNS:openapi.okx.test, DNS:www.okx.com, IP Address:127.0.0.1" in said
    assert "Signature Algorithm: ecdsa-with-SHA256" in said


def test_issuing_der_is_the_issuer_that_is_sent(openssl: str, authority: Authority) -> None:
    command = [openssl, "x509", "-inform", "DER", "-outform", "PEM"]
    done = subprocess.run(command, input=authority.issuing_der, capture_output=True, check=True)
    assert done.stdout.split() == authority.leaf(NAMES).certificates[1].split() == authority.issuing_pem.split()


def test_sha1_signature_is_a_true_signature(openssl: str, tmp_path: Path, authority: Authority) -> None:
    leaf = authority.leaf(NAMES, digest="sha1")
    assert "Signature Algorithm: sha1WithRSAEncryption" in text_of(openssl, leaf.certificates[0])
    assert verify(openssl, tmp_path, authority, leaf, "-auth_level", "0").endswith("OK\n")
    assert "CA signature digest algorithm too weak" in verify(openssl, tmp_path, authority, leaf, "-auth_level", "1")


def test_tampered_sha1_certificate_fails(openssl: str, tmp_path: Path, authority: Authority) -> None:
    """The check above can fail: another signature of the same length is refused."""
    leaf, other = (authority.leaf(NAMES, digest="sha1") for _ in range(2))
    mixed = LeafMaterial(certificates=(leaf.certificates[0], other.certificates[1]), key_pem=leaf.key_pem)
    assert "OK" not in verify(openssl, tmp_path, authority, mixed, "-auth_level", "0")


@pytest.mark.parametrize(("kind", "bits"), [("rsa1024", 1024), ("rsa2048", 2048), ("ec", 256)])
def test_key_of_the_leaf(openssl: str, tmp_path: Path, authority: Authority, kind: str, bits: int) -> None:
    leaf = authority.leaf(NAMES, key=kind)  # type: ignore[arg-type]
    assert f"Public-Key: ({bits} bit)" in text_of(openssl, leaf.certificates[0])
    assert verify(openssl, tmp_path, authority, leaf, "-auth_level", "1").endswith("OK\n")
    weak = "EE certificate key too weak" in verify(openssl, tmp_path, authority, leaf, "-auth_level", "2")
    assert weak == (bits == 1024)


def test_validity_follows_the_given_time(openssl: str, tmp_path: Path) -> None:
    then = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
    authority = Authority(now=then)
    said = text_of(openssl, authority.leaf(NAMES).certificates[0])
    assert "Not Before: May  3 03:02:01 2031 GMT" in said
    assert "Not After : Aug  2 03:02:01 2031 GMT" in said
    at = str(int(then.timestamp()))
    assert verify(openssl, tmp_path, authority, authority.leaf(NAMES), "-attime", at).endswith("OK\n")
    assert "not yet valid" in verify(openssl, tmp_path, authority, authority.leaf(NAMES))


def test_self_signed_leaf_has_the_names_and_no_authority(openssl: str) -> None:
    leaf = self_signed(NAMES)
    assert len(leaf.certificates) == 1
    said = text_of(openssl, leaf.certificates[0])
    assert "Issuer: CN = openapi.okx.test\n" in said
    assert "Subject: CN = openapi.okx.test\n" in said
    assert "CA:FALSE" in said


def test_inspection_authority_is_unrelated(openssl: str, tmp_path: Path, authority: Authority) -> None:
    inspection = Authority(names=INSPECTION_NAMES)
    assert "OK" not in verify(openssl, tmp_path, authority, inspection.leaf(NAMES))
    assert verify(openssl, tmp_path, inspection, inspection.leaf(NAMES, with_root=True)).endswith("OK\n")


def test_bundle_holds_the_root_and_every_public_one(tmp_path: Path, authority: Authority) -> None:
    bundle = authority.bundle_file(tmp_path).read_bytes()
    assert bundle.startswith(authority.root_pem)
    mark = b"-----BEGIN CERTIFICATE-----"
    assert bundle.count(mark) == 1 + Path(certifi.where()).read_bytes().count(mark)
    assert authority.root_file(tmp_path).read_bytes() == authority.root_pem


def test_long_name_fits_into_a_certificate(openssl: str, authority: Authority) -> None:
    name = ".".join(["a" * 60, "b" * 60, "okx.test"])
    assert f"DNS:{name}" in text_of(openssl, authority.leaf([name]).certificates[0])


def test_key_stays_out_of_repr(authority: Authority) -> None:
    leaf = authority.leaf(NAMES)
    assert repr(leaf) == "LeafMaterial(certificates=2)"
    assert b"PRIVATE KEY" in leaf.key_pem
