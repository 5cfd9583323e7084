"""ClientHellos made by OpenSSL (through Python), read without it."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.exchange.net.hello import ClientHello, parse_client_hello, read_client_hello


def first_flight(name: str | None, highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, highest
    outgoing = ssl.MemoryBIO()
    engine = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        engine.do_handshake()
    return outgoing.read()


def read(*pieces: bytes) -> tuple[bytes, ClientHello | None]:
    async def run() -> tuple[bytes, ClientHello | None]:
        reader = asyncio.StreamReader()

        async def feed() -> None:
            for piece in pieces:
                reader.feed_data(piece)
                await asyncio.sleep(0)
            reader.feed_eof()

        feeding = asyncio.create_task(feed())
        try:
            return await read_client_hello(reader)
        finally:
            await feeding

    return asyncio.run(run())


def test_name_and_versions() -> None:
    flight = first_flight("openapi.okx.test")
    assert read(flight) == (flight, ClientHello(server_name="openapi.okx.test", versions=(0x0304, 0x0303)))


def test_no_name() -> None:
    assert read(first_flight(None))[1] == ClientHello(server_name=None, versions=(0x0304, 0x0303))


def test_old_client_names_its_version_in_the_old_place() -> None:
    flight = first_flight("a.test", highest=ssl.TLSVersion.TLSv1_2)
    assert read(flight)[1] == ClientHello(server_name="a.test", versions=(0x0303,))


@pytest.mark.parametrize("size", [1, 7, 100])
def test_hello_that_comes_in_pieces(size: int) -> None:
    flight = first_flight("openapi.okx.test")
    raw, hello = read(*(flight[at : at + size] for at in range(0, len(flight), size)))
    assert raw == flight
    assert hello is not None
    assert hello.server_name == "openapi.okx.test"


def test_hello_cut_into_records() -> None:
    """A ClientHello may be spread over several TLS records (RFC 8446 §5.1), as some clients do to pass filters."""
    message = first_flight("openapi.okx.test")[5:]
    records = [message[:3], message[3:90], message[90:]]
    flight = b"".join(b"\x16\x03\x01" + len(part).to_bytes(2) + part for part in records)
    hello = read(flight)[1]
    assert hello is not None
    assert hello.server_name == "openapi.okx.test"


@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x05\x01\x00", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00"]
)
def test_what_is_no_hello(said: bytes) -> None:
    assert read(said) == (said, None)


def test_reading_stops_somewhere() -> None:
    record = b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + bytes(0x3FFC)
    raw, hello = read(*([record] * 10))
    assert hello is None
    assert len(raw) < 100_000


@given(st.binary(max_size=300))
def test_parser_is_total(junk: bytes) -> None:
    parse_client_hello(junk)
    parse_client_hello(b"\x01" + junk)


@given(st.data())
def test_parser_survives_a_flipped_byte(data: st.DataObject) -> None:
    message = bytearray(HELLO)
    at = data.draw(st.integers(0, len(message) - 1))
    message[at] ^= data.draw(st.integers(1, 255))
    parse_client_hello(bytes(message))


HELLO = first_flight("openapi.okx.test")[5:]
