"""Names to addresses, against servers written from RFC 1035."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from typing import Any

import pytest

from okxdoctor.targets.live.attention import Attention
from okxdoctor.targets.live.memo import Memo
from okxdoctor.targets.live.nameserver import ask_server
from okxdoctor.targets.live.resolve import Resolver, literal_address, resolv_conf_servers, suspicious

A, CNAME, AAAA = 1, 5, 28
V4 = ipaddress.ip_address("192.0.2.7").packed
V6 = ipaddress.ip_address("2001:db8::7").packed


def resolver(*servers: tuple[str, int], timeout_s: float = 2.0) -> Resolver:
    return Resolver(servers, timeout_s=timeout_s, memo=Memo())


def records(kind: int) -> tuple[int, bytes]:
    return (A, V4) if kind == A else (AAAA, V6)


def test_both_families_come_from_one_lookup_and_the_first_server_is_what_the_program_sees(stage: Any) -> None:
    async def main() -> Any:
        async with (
            stage.dns(lambda name, kind, packet: stage.reply(packet, records(kind))) as one,
            stage.dns(lambda name, kind, packet: stage.reply(packet, rcode=3)) as other,
        ):
            return one, other, await resolver(one, other).all("api.test")

    _, other, (system, direct) = asyncio.run(main())
    assert system.resolver == "system"
    assert system.outcome == "ok"
    assert set(system.addresses) == {"192.0.2.7", "2001:db8::7"}
    assert system.canonical is None
    assert direct.resolver == f"127.0.0.1:{other[1]}"
    assert (direct.outcome, direct.addresses) == ("nxdomain", ())


def test_an_alias_is_followed_and_named(stage: Any) -> None:
    def behave(name: str, kind: int, packet: bytes) -> bytes:
        if kind == AAAA:
            return bytes(stage.reply(packet))
        alias = b"\x04edge\x04test\x00"
        answer = bytearray(stage.reply(packet, (CNAME, alias)))
        answer[7] = 2  # two answer records
        return bytes(answer) + alias + b"\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + V4

    async def main() -> Any:
        async with stage.dns(behave) as server:
            return await resolver(server).system("api.test")

    found = asyncio.run(main())
    assert (found.outcome, found.addresses, found.canonical) == ("ok", ("192.0.2.7",), "edge.test")


@pytest.mark.parametrize(
    ("rcode", "outcome"), [(0, "nodata"), (2, "servfail"), (3, "nxdomain"), (5, "refused"), (4, "error")]
)
def test_each_refusal_has_its_outcome(stage: Any, rcode: int, outcome: str) -> None:
    async def main() -> Any:
        async with stage.dns(lambda name, kind, packet: stage.reply(packet, rcode=rcode)) as server:
            return await resolver(server).system("api.test")

    assert asyncio.run(main()).outcome == outcome


def test_silence_is_a_timeout_and_ends_in_time(stage: Any) -> None:
    async def main() -> Any:
        asked: list[int] = []
        async with stage.dns(lambda name, kind, packet: asked.append(kind)) as server:
            return await resolver(server, timeout_s=0.7).system("api.test"), asked

    started = time.monotonic()
    found, asked = asyncio.run(main())
    assert found.outcome == "timeout"
    assert time.monotonic() - started < 5
    assert asked.count(A) > 1, "a lost packet is asked again"


def test_an_answer_that_was_never_whole_is_no_answer(stage: Any) -> None:
    """Truncated over UDP, and nobody there over TCP; that there is no IPv6 address says nothing of IPv4 ones."""

    async def main() -> Any:
        async with stage.dns(lambda name, kind, packet: stage.reply(packet, truncated=kind == A)) as server:
            return await resolver(server).system("api.test")

    found = asyncio.run(main())
    assert (found.outcome, found.addresses) == ("error", ())


@pytest.mark.parametrize("lost", [1, 100])
def test_a_lost_answer_beside_one_without_addresses_is_asked_for_again(stage: Any, lost: int) -> None:
    """Most hosts have IPv4 addresses alone: a lost packet must not make their names vanish."""

    async def main() -> Any:
        asked: list[int] = []

        def behave(name: str, kind: int, packet: bytes) -> bytes | None:
            asked.append(kind)
            if kind == A:
                return bytes(stage.reply(packet, (A, V4))) if asked.count(A) > lost else None
            return bytes(stage.reply(packet))

        async with stage.dns(behave) as server:
            return await ask_server("api.test", server, 0.9), asked

    found, asked = asyncio.run(main())
    assert found.outcome == ("ok" if lost == 1 else "timeout")
    assert asked.count(A) > 1
    assert asked.count(A) > asked.count(28)  # what was answered is not asked again


def test_a_loop_that_was_kept_away_asks_no_second_time_and_makes_no_slow_lookup(stage: Any) -> None:
    """The answer lies there when the loop comes back; only packets that were lost are asked for again."""

    async def main() -> Any:
        asked: list[int] = []

        def behave(name: str, kind: int, packet: bytes) -> bytes:
            asked.append(kind)
            if len(asked) == 1:
                time.sleep(0.9)  # three times what is waited for an answer
            return bytes(stage.reply(packet, (A, V4)) if kind == A else stage.reply(packet))

        attention = Attention()
        attention.start()
        try:
            async with stage.dns(behave) as server:
                return await resolver(server, timeout_s=0.9).system("api.test"), asked
        finally:
            attention.stop()

    found, asked = asyncio.run(main())
    assert (found.outcome, len(asked)) == ("ok", 2)
    assert found.elapsed_ms < 450


def test_one_family_unanswered_does_not_hold_up_the_other(stage: Any) -> None:
    async def main() -> Any:
        async with stage.dns(lambda name, kind, packet: stage.reply(packet, (A, V4)) if kind == A else None) as server:
            return await resolver(server, timeout_s=3.0).system("api.test")

    found = asyncio.run(main())
    assert found.addresses == ("192.0.2.7",)
    assert found.elapsed_ms < 2500


def test_a_closed_port_is_an_error_and_no_timeout(stage: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = asyncio.run(resolver(("127.0.0.1", port)).system("api.test"))
    assert (found.outcome, found.detail) == ("error", "ECONNREFUSED")


def test_answers_to_other_questions_and_garbage_are_left_aside(stage: Any) -> None:
    async def main() -> Any:
        loop = asyncio.get_running_loop()

        class Server(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: Any) -> None:
                forged = (int.from_bytes(data[:2], "big") + 1) % 65536
                evil = (A, ipaddress.ip_address("203.0.113.66").packed)
                for packet in (b"", b"\x00" * 5, b"\xff" * 200, stage.reply(data, evil, number=forged)):
                    self.transport.sendto(packet, addr)
                self.transport.sendto(stage.reply(data, (A, V4)), addr)

        transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
        try:
            return await resolver(transport.get_extra_info("sockname")).system("api.test")
        finally:
            transport.close()

    assert asyncio.run(main()).addresses == ("192.0.2.7",)


def test_a_truncated_answer_is_asked_again_by_tcp(stage: Any) -> None:
    async def over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while length := await reader.read(2):
            packet = await reader.readexactly(int.from_bytes(length, "big"))
            end = packet.index(b"\0", 12) + 1
            answer = stage.reply(packet, records(int.from_bytes(packet[end : end + 2], "big")))
            writer.write(len(answer).to_bytes(2, "big") + answer)

    async def main() -> Any:
        async with (
            stage.dns(lambda name, kind, packet: stage.reply(packet, truncated=True)) as (host, port),
            stage.serve(over_tcp, host=host, port=port),
        ):
            return await resolver((host, port)).system("big.test")

    for attempt in range(10):  # the number of a free UDP port may be taken for TCP
        try:
            found = asyncio.run(main())
            break
        except OSError:
            assert attempt < 9
    assert set(found.addresses) == {"192.0.2.7", "2001:db8::7"}


def test_the_same_name_is_asked_once_for_all_and_outlives_its_first_asker(stage: Any) -> None:
    async def main() -> Any:
        asked: list[int] = []

        def behave(name: str, kind: int, packet: bytes) -> bytes:
            asked.append(kind)
            return bytes(stage.reply(packet, records(kind)))

        async with stage.dns(behave) as server:
            one = resolver(server)
            first = asyncio.ensure_future(one.system("api.test"))
            second = asyncio.ensure_future(one.system("api.test"))
            await asyncio.sleep(0)
            first.cancel()
            return first, await second, await one.system("api.test"), asked

    first, second, third, asked = asyncio.run(main())
    assert first.cancelled()
    assert second.outcome == "ok"
    assert second is third
    assert sorted(asked) == [A, AAAA]


def test_an_address_needs_no_question() -> None:
    (found,) = asyncio.run(resolver(("127.0.0.1", 1)).all("[::1]"))
    assert (found.outcome, found.addresses) == ("ok", ("::1",))
    assert literal_address("192.0.2.1") == "192.0.2.1"
    assert literal_address("example.com") is None


def test_the_operating_system_is_asked_where_no_server_is_given() -> None:
    found = asyncio.run(resolver().system("localhost"))
    assert found.outcome == "ok"
    assert {"127.0.0.1", "::1"} & set(found.addresses)


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".test", "y." * 130 + "test", "", "\udcff.test"])
def test_no_text_makes_a_lookup_raise(stage: Any, name: str) -> None:
    async def main() -> Any:
        async with stage.dns(lambda asked, kind, packet: stage.reply(packet, rcode=3)) as server:
            return await resolver(server).system(name), await resolver().system(name)

    direct, system = asyncio.run(main())
    assert direct.outcome != "ok"
    assert system.outcome != "ok" or name == ""


def test_name_servers_are_read_as_the_c_library_reads_them(tmp_path: Any) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# nameserver 192.0.2.9\nsearch x\nnameserver 192.0.2.1\nnameserver ::1\nnameserver what\n")
    assert resolv_conf_servers(file) == (("192.0.2.1", 53), ("::1", 53))
    assert resolv_conf_servers(tmp_path / "none") == ()


def test_what_is_worth_a_second_opinion() -> None:
    found = asyncio.run(resolver().system("127.0.0.1"))
    assert suspicious(found)
    assert not suspicious(asyncio.run(resolver().system("1.1.1.1")))


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_question_whose_answer_is_lost_is_put_again_before_anyone_gives_up(stage: Any, lost: int) -> None:
    """Not by the same packet, as a client repeats it after its time-out: a question of its own."""

    async def main() -> Any:
        ids: list[bytes] = []

        def behave(name: str, kind: int, packet: bytes) -> bytes | None:
            if packet[:2] not in ids:
                ids.append(packet[:2])
            # Both families are asked: two ids for each question.
            return bytes(stage.reply(packet, records(kind))) if ids.index(packet[:2]) >= 2 * lost else None

        async with stage.dns(behave) as server:
            found = resolver(server, timeout_s=6.0)
            return await found.all("api.test"), await found.system("api.test")

    started = time.monotonic()
    (own,), system = asyncio.run(main())
    assert time.monotonic() - started < 1.5
    assert own == system
    assert (own.outcome, own.unanswered, own.again_ms) == ("ok", lost, None)
    assert own.elapsed_ms < 250


@pytest.mark.parametrize("each_time", [True, False])
def test_a_slow_answer_is_asked_for_again_by_who_has_time(stage: Any, each_time: bool) -> None:
    """A name that was not in the resolver's cache is there afterwards; a slow resolver is slow again."""

    async def main() -> Any:
        known = time.monotonic() + 0.6

        def delay_s() -> float:
            return 0.6 if each_time else max(0.0, known - time.monotonic())

        async with stage.dns(lambda name, kind, packet: stage.reply(packet, records(kind)), delay_s) as server:
            found = resolver(server, timeout_s=6.0)
            return await found.system("api.test"), await found.all("api.test")

    system, (own,) = asyncio.run(main())
    assert (system.unanswered, system.again_ms) == (0, None)
    assert 550 < system.elapsed_ms == own.elapsed_ms
    assert (own.again_ms > 550) == each_time


def test_addresses_that_a_name_gives_one_at_a_time(monkeypatch: pytest.MonkeyPatch, stage: Any) -> None:
    """The program's answer and its server's, asked directly, have nothing in common: the program's way is asked again.

    Not a line of the hosts file, which says the same each time.
    """

    async def main(given: list[str]) -> Any:
        def getaddrinfo(*args: Any, **flags: Any) -> Any:
            address = given.pop(0) if len(given) > 1 else given[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0))]

        async with stage.dns(lambda name, kind, packet: stage.reply(packet, records(kind))) as server:
            monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
            monkeypatch.setattr("okxdoctor.targets.live.resolve.resolv_conf_servers", lambda: (server,))
            return (await resolver().all("api.test"))[0]

    turned = asyncio.run(main(["198.51.100.1", "198.51.100.2", "198.51.100.3"]))
    assert (turned.addresses, set(turned.in_turn)) == (("198.51.100.1",), {"198.51.100.2", "198.51.100.3"})
    assert asyncio.run(main(["198.51.100.1"])).in_turn == ()


def test_the_operating_system_is_asked_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The C library waits five seconds for a packet that was lost."""
    asked: list[float] = []

    def getaddrinfo(*args: Any, **flags: Any) -> Any:
        asked.append(time.monotonic())
        if len(asked) == 1:
            time.sleep(2)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    started = time.monotonic()
    found = asyncio.run(resolver(timeout_s=5.0).system("api.test"))
    assert time.monotonic() - started < 1.5
    assert (found.outcome, found.addresses, found.unanswered) == ("ok", ("192.0.2.7",), 1)


def test_the_system_gives_up_before_another_question_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """``EAI_AGAIN`` is what the C library says of silence: with ``attempts:1``, of one lost packet."""
    asked: list[float] = []

    def getaddrinfo(*args: Any, **flags: Any) -> Any:
        asked.append(time.monotonic())
        if len(asked) == 1:
            time.sleep(0.4)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        time.sleep(0.3)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found = asyncio.run(resolver(timeout_s=5.0).system("api.test"))
    assert (found.outcome, found.unanswered) == ("ok", 1)
