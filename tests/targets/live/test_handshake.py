"""TLS as seen from outside: peers are Python's ssl, the openssl program, and bytes written by hand."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from okxdoctor.check import Skip
from okxdoctor.port import Ask, Handshake
from okxdoctor.targets.live.tls import ALERTS, alert_in, looks_like_tls


async def idle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def shake(stage: Any, port: int, **kwargs: Any) -> Handshake:
    name = kwargs.pop("server_name", None)
    async with stage.target(port, tls=True, **kwargs) as target:
        seen: Handshake = await target.handshake("rest", server_name=name)
        return seen


async def shake_with(stage: Any, tls: ssl.SSLContext, **kwargs: Any) -> Handshake:
    async with stage.serve(idle, tls=tls) as port:
        return await shake(stage, port, **kwargs)


# ---- good handshakes ----------------------------------------------------------------------------


def test_a_good_handshake_with_its_chain_and_one_verification(stage: Any) -> None:
    issuer = stage.authority.create_child_ca(key_type=trustme.KeyType.RSA)
    tls = stage.server_tls("127.0.0.1", "api.test", issuer=issuer)
    tls.set_alpn_protocols(["h2"])
    seen = asyncio.run(shake_with(stage, tls, server_name="api.test"))
    assert (seen.outcome, seen.version, seen.alpn) == ("ok", "TLSv1.3", "h2")
    assert (seen.server_name, seen.address, seen.host) == ("api.test", "127.0.0.1", "127.0.0.1")
    leaf, parent = seen.chain
    assert set(leaf.names) == {"127.0.0.1", "api.test"}
    assert leaf.issuer == parent.subject
    assert (leaf.is_ca, parent.is_ca, leaf.self_issued) == (False, True, False)
    assert (leaf.key_type, parent.key_type) == ("EC", "RSA")
    assert parent.key_bits >= 2048
    assert [(one.store, one.ok, one.code) for one in seen.verifications] == [("in-use", True, 0)]
    assert not seen.aia_fetched


def test_without_tls_there_is_nothing_to_look_at(stage: Any) -> None:
    async def main() -> None:
        async with stage.target(1) as target:
            with pytest.raises(Skip):
                await target.handshake("rest")

    asyncio.run(main())


def test_the_same_handshake_is_made_once_and_another_name_is_another_one(stage: Any) -> None:
    async def main() -> Any:
        async with stage.serve(idle, tls=stage.server_tls()) as port, stage.target(port, tls=True) as target:
            one = await asyncio.gather(*(target.handshake("rest") for _ in range(4)), target.handshake("ws"))
            before = target.connections_made
            await target.handshake("rest", server_name="other.test")
            return one, before, target.connections_made

    same, before, after = asyncio.run(main())
    assert all(one is same[0] for one in same)
    assert (before, after) == (1, 2)


# ---- what the server wants, and what a program of today thinks of it ------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_asks_for_a_certificate(stage: Any, version: ssl.TLSVersion) -> None:
    """Asked and let in without one; asked and refused: asyncio's server keeps its alert, OpenSSL's program does not."""
    tls = stage.server_tls()
    tls.minimum_version = tls.maximum_version = version
    assert not asyncio.run(shake_with(stage, tls)).asks_certificate
    tls.verify_mode = ssl.CERT_OPTIONAL
    started = time.monotonic()
    seen = asyncio.run(shake_with(stage, tls, timeout_s=0.7))
    assert (seen.outcome, seen.asks_certificate) == ("ok", True)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("ciphers", "chosen", "refused"),
    [
        ("ECDHE+AESGCM", "ECDHE", ""),
        # Python's own list has neither. asyncio's server keeps its alert to itself.
        ("AES128-SHA", "AES128-SHA", "closed"),
        ("AES256-GCM-SHA384", "AES256-GCM-SHA384", "closed"),
    ],
)
def test_what_the_usual_offer_comes_to(stage: Any, ciphers: str, chosen: str, refused: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    stage.authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA).configure_cert(tls)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    seen = asyncio.run(shake_with(stage, tls))
    assert (seen.outcome, seen.version) == ("ok", "TLSv1.2")
    assert seen.cipher.startswith(chosen)
    if chosen in {each["name"] for each in ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).get_ciphers()}:
        refused = ""  # a distribution's Python that takes it
    assert refused in seen.refused
    assert bool(seen.refused) is bool(refused)


# ---- chains -------------------------------------------------------------------------------------


def test_an_expired_chain_still_leads_to_its_root(stage: Any) -> None:
    past = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf = stage.authority.issue_cert("127.0.0.1", not_before=past, not_after=past + datetime.timedelta(days=90))
    leaf.configure_cert(tls)
    seen = asyncio.run(shake_with(stage, tls))
    assert seen.verifications[0].ok, "dates are judged from the certificate, by trusted time"
    assert (seen.chain[0].not_before, seen.chain[0].not_after) == ("2001-01-01T00:00:00Z", "2001-04-01T00:00:00Z")


def test_a_wrong_name_still_leads_to_its_root(stage: Any) -> None:
    seen = asyncio.run(shake_with(stage, stage.server_tls("other.test")))
    assert (seen.outcome, seen.verifications[0].ok, seen.chain[0].names) == ("ok", True, ("other.test",))


def test_a_stranger_s_chain_is_compared_with_every_store(stage: Any) -> None:
    seen = asyncio.run(shake_with(stage, stage.server_tls(issuer=trustme.CA())))
    assert seen.outcome == "ok"
    verdicts = {one.store: one for one in seen.verifications}
    assert set(verdicts) == {"in-use", "system", "bundled"}
    assert not any(one.ok for one in verdicts.values())
    assert verdicts["in-use"].code == 20
    assert verdicts["in-use"].source == "ca-file"


def self_signed(openssl: Any, folder: Path, *options: str, key: tuple[str, ...] = ("rsa:2048",)) -> tuple[Path, Path]:
    certificate, private = folder / "self.pem", folder / "self.key"
    openssl(
        "req", "-x509", "-newkey", *key, "-nodes", "-subj", "/CN=127.0.0.1/O=Nobody", "-days", "30",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(private), "-out", str(certificate), *options,
    )  # fmt: skip
    return certificate, private


def test_a_self_signed_leaf_is_its_own_issuer(stage: Any, openssl: Any, tmp_path: Path) -> None:
    certificate, private = self_signed(openssl, tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, private)
    seen = asyncio.run(shake_with(stage, tls))
    assert seen.chain[0].self_issued
    assert seen.chain[0].subject == "CN=127.0.0.1, O=Nobody"
    assert seen.verifications[0].code == 18
    assert not seen.verifications[0].ok


@pytest.mark.parametrize(
    ("key", "options", "kind", "bits", "hashed"),
    [
        (("rsa:1024",), ("-sha256",), "RSA", 1024, "sha256"),
        (("rsa:2048",), ("-sha1",), "RSA", 2048, "sha1"),
        (("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"), ("-sha384",), "EC", 256, "sha384"),
        (("ed25519",), (), "Ed25519", 256, "ed25519"),
    ],
)
def test_keys_and_hashes_are_read_however_weak(
    stage: Any,
    openssl: Any,
    tmp_path: Path,
    key: tuple[str, ...],
    options: tuple[str, ...],
    kind: str,
    bits: int,
    hashed: str,
) -> None:
    certificate, private = self_signed(openssl, tmp_path, *options, key=key)

    async def main() -> Any:
        async with s_server("-cert", str(certificate), "-key", str(private), "-cipher", "ALL:@SECLEVEL=0") as port:
            return await shake(stage, port, ca_file=str(certificate))

    seen = asyncio.run(main())
    leaf = seen.chain[0]
    assert (seen.outcome, leaf.key_type, leaf.key_bits, leaf.signature_hash) == ("ok", kind, bits, hashed)
    assert leaf.serial.zfill(40) == openssl("x509", "-in", str(certificate), "-noout", "-serial").partition("=")[
        2
    ].strip().lower().zfill(40)
    assert seen.verifications[0].ok, "weakness is a finding of its own, not a reason not to find the root"


@contextlib.asynccontextmanager
async def s_server(*arguments: str) -> AsyncIterator[int]:
    """openssl s_server on a port of its own choosing."""
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert server.stdout is not None and server.stdin is not None  # noqa: PT018
    try:
        while True:
            line = await asyncio.to_thread(server.stdout.readline)
            if line.startswith("ACCEPT"):
                yield int(line.strip().rpartition(":")[2])
                return
            if not line:
                pytest.skip("this openssl program does not start such a server")
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        server.stdin.close()


@pytest.mark.parametrize(("flag", "version"), [("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1"), ("-tls1_2", "TLSv1.2")])
def test_a_server_that_is_only_old_is_seen_as_old(
    stage: Any, openssl: Any, tmp_path: Path, flag: str, version: str
) -> None:
    certificate, private = self_signed(openssl, tmp_path)

    async def main() -> Any:
        options = ("-cert", str(certificate), "-key", str(private), flag, "-cipher", "ALL:@SECLEVEL=0")
        async with s_server(*options) as port, stage.target(port, tls=True, ca_file=str(certificate)) as target:
            return await target.handshake("rest"), await target.http(Ask(method="GET", path="/api/v5/public/time"))

    seen, answer = asyncio.run(main())
    assert (seen.outcome, seen.version) == ("ok", version)
    assert seen.chain[0].subject.startswith("CN=127.0.0.1")
    if version != "TLSv1.2":
        assert answer.failure.kind == "tls", "what the doctor can see, a program does not accept"


# ---- the issuer that was not sent -----------------------------------------------------------------


def chain_with_aia(authority: trustme.CA, url: str, folder: Path) -> tuple[ssl.SSLContext, bytes]:
    """A server that sends its leaf alone, and the intermediate (DER) that the leaf says is at ``url``."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

    middle = authority.create_child_ca()
    parent = x509.load_pem_x509_certificate(middle.cert_pem.bytes())
    signing = serialization.load_pem_private_key(middle.private_key_pem.bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url))
    now = datetime.datetime.now(datetime.UTC)
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")]))
        .issuer_name(parent.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(parent.public_key()), critical=False)  # type: ignore[arg-type]
        .sign(signing, hashes.SHA256())  # type: ignore[arg-type]
    )
    file = folder / "leaf.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + private)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    return tls, parent.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("form", ["der", "pem", "pkcs7"])
def test_a_missing_issuer_is_fetched_from_where_the_leaf_says(stage: Any, tmp_path: Path, form: str) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    asked: list[bytes] = []
    served = b""

    async def aia(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/pkix-cert\r\n\r\n" + served)

    async def main() -> Any:
        nonlocal served
        async with stage.serve(aia) as aia_port:
            url = f"http://127.0.0.1:{aia_port}/middle.cer"
            tls, der = chain_with_aia(stage.authority, url, tmp_path)
            parsed = x509.load_der_x509_certificate(der)
            served = {
                "der": der,
                "pem": parsed.public_bytes(Encoding.PEM),
                "pkcs7": pkcs7.serialize_certificates([parsed], Encoding.DER),
            }[form]
            return url, await shake_with(stage, tls)

    url, seen = asyncio.run(main())
    verdicts = {one.store: one for one in seen.verifications}
    assert len(seen.chain) == 1
    assert verdicts["in-use"].code in (20, 21)
    assert verdicts["in-use+aia"].ok
    assert seen.aia_fetched == (url,)
    assert len(asked) == 1
    assert asked[0].startswith(b"GET /middle.cer HTTP/1.0\r\n")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 70_000])
def test_an_issuer_that_cannot_be_had_changes_nothing(stage: Any, tmp_path: Path, answer: bytes) -> None:
    async def main() -> Any:
        async with stage.answer(answer) as aia_port:
            tls, _ = chain_with_aia(stage.authority, f"http://127.0.0.1:{aia_port}/middle.cer", tmp_path)
            return await shake_with(stage, tls)

    seen = asyncio.run(main())
    assert seen.aia_fetched == ()
    assert "in-use+aia" not in {one.store for one in seen.verifications}


def test_a_public_target_cannot_send_us_to_an_address_inside(stage: Any, tmp_path: Path) -> None:
    async def main() -> Any:
        asked: list[int] = []

        async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(1)

        async with stage.serve(note) as inside:
            tls, _ = chain_with_aia(stage.authority, f"http://127.0.0.1:{inside}/x", tmp_path)
            await shake_with(stage, tls, addresses="global")
            return asked

    assert asyncio.run(main()) == []


# ---- bad peers ----------------------------------------------------------------------------------


def record(kind: int, body: bytes) -> bytes:
    return bytes([kind, 3, 3]) + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize("code", [40, 47, 70, 80, 86, 112, 120])
def test_an_alert_is_called_by_its_rfc_name(stage: Any, code: int) -> None:
    async def main() -> Any:
        async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(5)
            writer.write(record(21, bytes([2, code])))

        async with stage.serve(alert) as port:
            return await shake(stage, port)

    seen = asyncio.run(main())
    assert (seen.outcome, seen.alert) == ("alert", ALERTS[code])


def test_alerts_of_the_openssl_program_are_read_too(stage: Any, openssl: Any, tmp_path: Path) -> None:
    certificate, private = self_signed(openssl, tmp_path)

    async def main() -> Any:
        # A cipher that nobody shares: TLS 1.2 with an anonymous suite only.
        pair = ("-cert", str(certificate), "-key", str(private))
        async with s_server(
            *pair, "-servername", "right.test", "-servername_fatal", "-cert2", str(certificate), "-key2", str(private)
        ) as port:
            return await shake(stage, port, server_name="wrong.test")

    assert (asyncio.run(main())).alert == "unrecognized_name"


@pytest.mark.parametrize(
    ("said", "outcome", "plain"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", "not-tls", "HTTP/1.1 400 Bad Request  Server: nginx"),
        (b"220 smtp.test ESMTP\r\n", "not-tls", "220 smtp.test ESMTP"),
        (b"\x00\x01\x02", "not-tls", ""),
        (b"", "closed", ""),
        (b"\x16\x03\x03\x00\x04\xff\xff\xff\xff", "error", ""),
    ],
)
def test_what_is_no_handshake_is_told_apart(stage: Any, said: bytes, outcome: str, plain: str) -> None:
    async def main() -> Any:
        async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(5000)
            writer.write(said)
            await writer.drain()

        async with stage.serve(say) as port:
            return await shake(stage, port)

    seen = asyncio.run(main())
    assert (seen.outcome, seen.plain) == (outcome, plain)
    assert seen.address == "127.0.0.1"


def test_a_reset_after_the_hello_for_one_name_only(stage: Any) -> None:
    """As a filter does it: the name decides, the address is the same."""

    async def main() -> Any:
        async def front(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            hello = await reader.read(5000)
            if b"banned.test" in hello:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            behind_reader, behind = await asyncio.open_connection("127.0.0.1", inner)
            behind.write(hello)
            try:
                while True:
                    both = [asyncio.ensure_future(behind_reader.read(5000)), asyncio.ensure_future(reader.read(5000))]
                    done, waiting = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                    for task in waiting:
                        task.cancel()
                    if both[0] in done:
                        writer.write(both[0].result())
                    if both[1] in done:
                        behind.write(both[1].result())
                        if not both[1].result():
                            return
            finally:
                behind.close()

        async with (
            stage.serve(idle, tls=stage.server_tls("free.test")) as inner,
            stage.serve(front) as port,
            stage.target(port, tls=True) as target,
        ):
            banned = await target.handshake("rest", server_name="banned.test")
            return banned, await target.handshake("rest", server_name="free.test")

    banned, free = asyncio.run(main())
    assert banned.outcome == "reset"
    assert free.outcome == "ok"


def test_a_handshake_that_hangs_ends_in_time(stage: Any) -> None:
    started = time.monotonic()
    with stage.silent_port() as port:
        seen = asyncio.run(shake(stage, port, timeout_s=0.4))
    assert (seen.outcome, seen.address) == ("timeout", "127.0.0.1")
    assert time.monotonic() - started < 5


def test_no_connection_is_no_handshake(stage: Any) -> None:
    seen = asyncio.run(shake(stage, stage.closed_port()))
    assert (seen.outcome, seen.address) == ("error", "")
    assert "ECONNREFUSED" in seen.detail


@pytest.mark.parametrize("name", ["x" * 300, "-", "", ".test", "a b"])
def test_names_that_tls_cannot_ask_for_raise_nothing(stage: Any, name: str) -> None:
    seen = asyncio.run(shake_with(stage, stage.server_tls(), server_name=name))
    assert seen.outcome in ("ok", "error", "alert")


def test_the_reading_of_plain_records() -> None:
    assert alert_in(b"") == ""
    assert alert_in(record(22, b"\x02abc") + record(21, b"\x02\x28")) == "handshake_failure"
    assert alert_in(record(21, b"\x01\x70") + record(22, b"\x02abc")) == "", "a warning, and the server went on"
    assert alert_in(record(23, b"\x02\x28")) == "", "encrypted: two bytes that mean nothing to us"
    assert alert_in(b"\x15\x03\x03\x00") == ""
    assert looks_like_tls(b"\x16\x03\x01")
    assert not looks_like_tls(b"HTTP")
    assert not looks_like_tls(b"\x16\x02")
