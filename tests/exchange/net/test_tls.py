"""Each broken TLS server as Python's ssl and the openssl program see it."""

from __future__ import annotations

import socket
import ssl
import subprocess
import urllib.error
import urllib.request
import warnings
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

REST, WS = "openapi.okx.test", "ws.okx.test"

# fault → verify code and words of `openssl s_client`; X509_V_ERR_* of <openssl/x509_vfy.h>
CERTIFICATE_FAULTS = [
    ("tls-expired", 10, "certificate has expired"),
    ("tls-not-yet-valid", 9, "certificate is not yet valid"),
    ("tls-hostname-mismatch", 62, "hostname mismatch"),
    ("tls-self-signed", 18, "self-signed certificate"),
    ("tls-intercepted", 19, "self-signed certificate in certificate chain"),
    ("tls-intercepted=without-root", 20, "unable to get local issuer certificate"),
    ("tls-incomplete-chain", 20, "unable to get local issuer certificate"),
    ("tls-weak=rsa1024", 66, "EE certificate key too weak"),
    ("tls-weak=sha1", 68, "CA signature digest algorithm too weak"),
]


@pytest.mark.parametrize("name", [REST, WS, "localhost", "127.0.0.1"])
def test_healthy_server_satisfies_a_strict_client(world: Any, name: str) -> None:
    assert world.get(name) == f"hello from {name} ".encode().lower()


def test_healthy_server_satisfies_openssl(world: Any) -> None:
    text = world.s_client("-verify_return_error", "-x509_strict")
    assert "Verify return code: 0 (ok)" in text
    assert "TLSv1.3" in text
    assert "Verify return code: 0 (ok)" in world.s_client("-tls1_2", "-verify_return_error")


@pytest.mark.parametrize(("fault", "code", "words"), CERTIFICATE_FAULTS)
def test_bad_certificate(world: Any, fault: str, code: int, words: str) -> None:
    world.inject(fault)
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        world.get()
    assert caught.value.verify_code == code
    text = world.s_client()
    # Of several errors on one chain s_client reports the last; the first is on a line of its own.
    assert f"verify error:num={code}:{words}" in text.lower() or f"verify error:num={code}:{words}" in text
    world.inject()
    assert world.get()


def test_certificate_that_ends_soon_is_still_accepted(world: Any) -> None:
    world.inject("tls-expires-soon")
    assert world.get()
    leaf = sent_chain(world)[0]
    left_s = (leaf.not_valid_after_utc - world.edge.authority.now).total_seconds()
    assert left_s == pytest.approx(3 * 86400, abs=60)
    assert leaf.not_valid_before_utc < world.edge.authority.now


def test_intercepted_chain_names_its_issuer_and_the_right_host(world: Any) -> None:
    world.inject("tls-intercepted")
    leaf, issuer, root = sent_chain(world)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert REST in names.get_values_for_type(x509.DNSName)
    assert "Inspection" in leaf.issuer.rfc4514_string()
    assert leaf.issuer == issuer.subject
    assert issuer.issuer == root.subject == root.issuer
    leaf.verify_directly_issued_by(issuer)
    issuer.verify_directly_issued_by(root)


def test_intercepted_chain_is_fine_for_who_trusts_its_root(world: Any) -> None:
    world.inject("tls-intercepted")
    root = sent_chain(world)[-1].public_bytes(Encoding.PEM).decode()
    assert world.get(context=ssl.create_default_context(cadata=root))


def test_missing_intermediate_is_where_the_leaf_says(world: Any) -> None:
    world.inject("tls-incomplete-chain")
    (leaf,) = sent_chain(world)
    access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    url = access[0].access_location.value
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.headers["Content-Type"] == "application/pkix-cert"
        issuer = x509.load_der_x509_certificate(answer.read())
    leaf.verify_directly_issued_by(issuer)
    context = world.context()
    context.load_verify_locations(cadata=issuer.public_bytes(Encoding.PEM).decode())
    assert world.get(context=context)


def test_nothing_else_is_at_the_issuers_address(world: Any) -> None:
    url = world.edge.authority.aia_url.replace("issuing", "root")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, timeout=5)
    with caught.value:
        assert caught.value.code == 404


@pytest.mark.parametrize(
    ("fault", "option", "version"), [("tls1.1", "-tls1_1", "TLSv1.1"), ("tls1.0", "-tls1", "TLSv1")]
)
def test_old_protocol_refuses_modern_clients_by_alert(world: Any, fault: str, option: str, version: str) -> None:
    world.inject(f"tls-weak={fault}")
    with pytest.raises(ssl.SSLError) as caught:
        world.get()
    assert caught.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION"
    assert "SSL alert number 70" in world.s_client("-min_protocol", "TLSv1.2")
    assert "SSL alert number 70" in world.s_client("-tls1_3")
    text = world.s_client(option, "-cipher", "DEFAULT@SECLEVEL=0")
    assert f"Protocol  : {version}\n" in text
    assert "Verify return code: 0 (ok)" in text


def test_old_protocol_serves_old_clients(world: Any) -> None:
    world.inject("tls-weak=tls1.1")
    context = world.context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    body = bytes(range(256)) * 4096
    assert world.get(context=context, body=body) == b"hello from openapi.okx.test " + body


@pytest.mark.parametrize(
    ("ciphers", "reason", "chosen"),
    [
        # The alert comes from the server: none of its ciphers is on offer. The other one is the client's own refusal.
        ("aes128-sha", "SSLV3_ALERT_HANDSHAKE_FAILURE", "AES128-SHA"),
        ("dhe1024", "DH_KEY_TOO_SMALL", "DHE-RSA-AES128-GCM-SHA256"),
    ],
)
def test_weak_ciphers_refuse_modern_clients_and_serve_old_ones(
    world: Any, ciphers: str, reason: str, chosen: str
) -> None:
    world.inject(f"tls-weak-ciphers={ciphers}")
    modern = world.context()
    modern.set_ciphers("@SECLEVEL=2:ECDHE+AESGCM:DHE+AESGCM")  # what Python's own builds offer, as far as it matters
    with pytest.raises(ssl.SSLError) as caught:
        world.get(context=modern)
    assert caught.value.reason == reason
    # TLS 1.3 has none of these ciphers.
    assert "SSL alert number 70" in world.s_client("-tls1_3")
    old = ("-cipher", "ALL:@SECLEVEL=0")
    text = world.s_client(*old)
    assert f"Cipher    : {chosen}\n" in text
    assert "Verify return code: 0 (ok)" in text
    assert ("Server Temp Key: DH, 1024 bits" in text) is (ciphers == "dhe1024")
    context = world.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    assert world.get(context=context, body=b"x" * 100_000) == b"hello from openapi.okx.test " + b"x" * 100_000
    # A level above what a distribution asks of everybody: the client refuses by itself.
    assert "Cipher is (NONE)" in world.s_client("-cipher", "ALL:@SECLEVEL=3")


@pytest.mark.parametrize(
    ("version", "reason"),
    [("tls1.2", "SSLV3_ALERT_HANDSHAKE_FAILURE"), ("tls1.3", "TLSV13_ALERT_CERTIFICATE_REQUIRED")],
)
def test_a_gateway_wants_a_certificate_of_the_client(world: Any, version: str, reason: str) -> None:
    world.inject(f"tls-handshake-reset-client-certificate={version}")
    # By an address too, which no client names in its greeting. In TLS 1.3 the client learns it when it first reads.
    for name in (REST, "127.0.0.1"):
        with pytest.raises(ssl.SSLError) as caught:
            world.get(name)
        assert caught.value.reason == reason
    for other in (REST, None):
        text = world.s_client("-tls1_2", name=other)
        assert "SSL alert number 40" in text
        assert "Verify return code: 0 (ok)" in text
    context = world.context()
    context.check_hostname = False
    assert world.get("elsewhere.test", context=context) == b"hello from elsewhere.test "


def test_a_certificate_of_ones_own_making_is_no_key_to_the_gateway(world: Any, tmp_path: Path) -> None:
    from okxdoctor.exchange.net import ca

    mine = ca.self_signed(["client.test"])
    file = tmp_path / "client.pem"
    file.write_bytes(mine.key_pem + mine.chain_pem)
    context = world.context()
    context.load_cert_chain(file)
    world.inject("tls-handshake-reset-client-certificate=tls1.2")
    with pytest.raises(ssl.SSLError) as caught:
        world.get(context=context)
    assert caught.value.reason == "TLSV1_ALERT_UNKNOWN_CA"


def test_weak_ciphers_and_the_gateway_compose(world: Any) -> None:
    world.inject("tls-weak-ciphers=dhe1024", "tls-handshake-reset-client-certificate", "tls-weak=tls1.1", "tls-expired")
    text = world.s_client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert "Cipher    : DHE-RSA-AES128-SHA\n" in text
    assert "Verify return code: 10 (certificate has expired)" in text
    assert "SSL alert number 40" in text


@pytest.mark.parametrize("name", [REST, WS])
def test_handshake_for_the_exchange_is_reset(world: Any, name: str) -> None:
    world.inject("tls-handshake-reset=reset")
    with pytest.raises(ConnectionResetError):
        world.get(name)
    assert "errno=104" in world.s_client(name=name)


def test_handshake_for_the_exchange_is_closed(world: Any) -> None:
    world.inject("tls-handshake-reset=close")
    with pytest.raises((ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError)):
        world.get()
    assert "no peer certificate available" in world.s_client()


def test_handshake_for_the_exchange_gets_an_alert(world: Any) -> None:
    world.inject("tls-handshake-reset=alert")
    with pytest.raises(ssl.SSLError) as caught:
        world.get()
    assert caught.value.reason == "TLSV1_UNRECOGNIZED_NAME"
    for version in ("-tls1_2", "-tls1_3"):
        assert "SSL alert number 112" in world.s_client(version)


def test_handshake_for_the_exchange_is_never_answered(world: Any) -> None:
    world.inject("tls-handshake-reset=blackhole")
    with pytest.raises(subprocess.TimeoutExpired):
        world.s_client(timeout_s=0.5)


@pytest.mark.parametrize("how", ["reset", "close", "alert", "blackhole"])
def test_another_name_at_the_same_address_is_served(world: Any, how: str) -> None:
    world.inject(f"tls-handshake-reset={how}")
    context = world.context()
    context.check_hostname = False
    body = bytes(range(256)) * 4096
    assert world.get("elsewhere.test", context=context, body=body) == b"hello from elsewhere.test " + body
    assert "Verify return code: 0 (ok)" in world.s_client(name=None)


@pytest.mark.parametrize(
    ("what", "start"), [("http", b"HTTP/1.1 400 Bad Request\r\n"), ("ssh", b"SSH-2.0-"), ("garbage", b"\x00\xff")]
)
def test_peer_without_tls(world: Any, what: str, start: bytes) -> None:
    world.inject(f"tls-not-tls={what}")
    with pytest.raises(ssl.SSLError) as caught:
        world.get()
    assert caught.value.reason == "WRONG_VERSION_NUMBER"
    assert "wrong version number" in world.s_client()
    with socket.create_connection(("127.0.0.1", world.port), timeout=5) as sock:
        if what != "ssh":  # a server of SSH speaks first
            sock.sendall(b"\x16\x03\x01\x00\x05hello")
        assert sock.recv(100).startswith(start)


def test_faults_of_the_certificate_compose(world: Any) -> None:
    world.inject("tls-expired", "tls-hostname-mismatch", "tls-weak=rsa1024", "tls-incomplete-chain")
    (leaf,) = sent_chain(world)
    assert leaf.not_valid_after_utc < world.edge.authority.now
    assert leaf.public_key().key_size == 1024
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert REST not in names.get_values_for_type(x509.DNSName)


def test_bad_certificate_behind_an_old_protocol(world: Any) -> None:
    world.inject("tls-weak=tls1.1", "tls-expired")
    text = world.s_client("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    assert "Verify return code: 10 (certificate has expired)" in text


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(world: Any) -> None:
    for fault in ("tls-handshake-reset", "tls-weak", "tls-not-tls", "tls-handshake-reset=alert"):
        world.inject(fault)
        for said in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n", b"\x80" * 70_000):
            with socket.create_connection(("127.0.0.1", world.port), timeout=5) as sock:
                sock.sendall(said)
    world.inject()
    assert world.get()


def sent_chain(world: Any) -> list[x509.Certificate]:
    """The certificates that the server really sends, in order, as ``openssl s_client -showcerts`` prints them."""
    text = world.s_client("-showcerts", "-cipher", "DEFAULT@SECLEVEL=0")
    chain, _, _ = text.partition("Server certificate")
    return x509.load_pem_x509_certificates(chain.encode())


def test_alert_is_not_overtaken_by_a_reset(world: Any) -> None:
    """A server that closes with bytes unread sends RST; a client still writing would never see the alert."""
    world.inject("tls-weak=tls1.1")
    outgoing = ssl.MemoryBIO()
    engine = world.context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=REST)
    with pytest.raises(ssl.SSLWantReadError):
        engine.do_handshake()
    with socket.create_connection(("127.0.0.1", world.port), timeout=5) as sock:
        sock.sendall(outgoing.read() + bytes(1_000_000))
        # RFC 8446 §6: record type 21, then level 2 (fatal) and description 70 (protocol_version)
        alert = sock.recv(7)
        assert (alert[0], alert[5], alert[6]) == (21, 2, 70)
        sock.sendall(bytes(1_000_000))  # still read, so no RST
        assert sock.recv(1) == b""


def test_mute_server(world: Any) -> None:
    world.inject("http-timeout-handshake")
    with pytest.raises(TimeoutError), socket.create_connection(("127.0.0.1", world.port), timeout=0.2) as sock:
        world.context().wrap_socket(sock, server_hostname="elsewhere.test")


def test_leaf_key_never_leaves_a_file_behind(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    world.inject("tls-self-signed")
    assert sent_chain(world)
    assert list(tmp_path.iterdir()) == []
