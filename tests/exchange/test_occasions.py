"""Faults that are met now and then: how that is said, that the seed decides it, and that every layer can do it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import dns.exception
import dns.message
import dns.query
import httpx
import ntplib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.exchange import Bench, Clock, serve
from okxdoctor.exchange.core.circumstances import HEALTHY
from okxdoctor.exchange.core.clock import iso_ms
from okxdoctor.exchange.faults import BadFaultValue, Injected, When, catalogue, parse
from okxdoctor.exchange.faults.effects import circumstances
from okxdoctor.exchange.faults.occasions import Occasions
from okxdoctor.targets.world import FAULTS as OF_THE_MACHINE

TIME = "/api/v5/public/time"
TRADES = "/api/v5/market/trades?instId=BTC-USDT"
"""Has a budget that a test does not use up."""
CONFIG = "/api/v5/account/config"
EPOCH_MS = 1_900_000_000_000

# ---- how it is said ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("http-slow=2s", When()),
        ("http-slow,p=0.3", When(p=0.3)),
        ("http-slow=2s;p=30%;count=5", When(p=0.3, count=5)),
        ("http-slow=2s,every=5", When(every=5)),
        ("http-slow=2s, skip=10, count=3", When(skip=10, count=3)),
        ("http-slow=2s,after=10s,for=30s", When(after_s=10.0, for_s=30.0)),
        ("http-slow=2s;until=1h", When(until_s=3_600.0)),
        ("http-slow,after=2030-01-01T00:00:00Z,until=2030-01-02T03:00:00+03:00",
         When(from_ms=1_893_456_000_000, until_ms=1_893_542_400_000)),
        ("http-slow,after=2030-01-01T00:00:00", When(from_ms=1_893_456_000_000)),
    ],
)  # fmt: skip
def test_when_is_read(text: str, when: When) -> None:
    injected = parse(text)
    assert injected.when == when
    assert injected.value == (2.0 if "=2s" in text else 0.8)
    # As it is told, it can be typed again.
    assert parse(f"http-slow=2s,{when}" if str(when) else "http-slow=2s").when == when


def test_only_the_known_words_end_a_value() -> None:
    assert parse("instrument-unknown=A,B;C").value == "A,B;C"
    assert parse("dns-name-not-found=x.test,p=0.5").value == "x.test"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("http-slow,p=0", "probability"), ("http-slow,p=1.5", "probability"), ("http-slow,p=often", "probability"),
        ("http-slow,p=", "probability"), ("http-slow,every=0", "whole number"), ("http-slow,count=-1", "whole number"),
        ("http-slow,count=2.5", "whole number"), ("http-slow,skip=9999999999", "whole number"),
        ("http-slow,after=soon", "instant"), ("http-slow,until=2030-13-01T00:00:00Z", "instant"),
        ("http-slow,for=2030-01-01T00:00:00Z", "duration"), ("http-slow,for=0s", "not over yet"),
        ("http-slow,p=0.1,p=0.2", "twice"), ("http-slow,p=\u0663", "probability"),
        ("http-slow,p=0.5,each=5s", "states of the world"), ("account-unverified,each=5s", "beside p, every"),
        ("account-unverified,p=0.5,each=0.5s", "at least a second"), ("account-unverified,each=2030", "duration"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(text: str, wanted: str) -> None:
    with pytest.raises(BadFaultValue, match=wanted):
        parse(text)


@pytest.mark.parametrize("fault", OF_THE_MACHINE, ids=lambda fault: fault.name)
def test_the_users_machine_is_as_it_is(fault: Any) -> None:
    with pytest.raises(BadFaultValue, match="whole run"):
        parse(f"{fault.example},p=0.5", more=OF_THE_MACHINE)


@given(st.text(max_size=40), st.sampled_from(["http-slow", "http-slow=1s", "clock-ahead"]))
def test_no_words_break_the_reading(words: str, name: str) -> None:
    try:
        parse(f"{name},p={words}")
    except BadFaultValue:
        pass


# ---- what it means ------------------------------------------------------------------------------


class Times:
    """A clock to be set."""

    def __init__(self) -> None:
        self.now_ms = EPOCH_MS

    def __call__(self) -> int:
        return self.now_ms


def met(text: str, occasions: int, *, seed: int = 0, step_ms: int = 0) -> list[int]:
    """Which of so many requests (from 1) meet the fault."""
    times = Times()
    faults = Occasions(seed=seed, now_ms=times)
    faults.replace([parse(text)])
    found = []
    for number in range(1, occasions + 1):
        if faults.meet("request"):
            found.append(number)
        times.now_ms += step_ms
    return found


def test_counting() -> None:
    assert met("http-slow,count=3", 10) == [1, 2, 3]
    assert met("http-slow,every=5", 20) == [5, 10, 15, 20]
    assert met("http-slow,skip=7", 10) == [8, 9, 10]
    assert met("http-slow,skip=2,every=3,count=2", 20) == [5, 8]


def test_probability_is_a_share_and_the_seed_says_which() -> None:
    share = met("http-slow,p=0.3", 4_000)
    # Four standard deviations of a binomial count.
    assert abs(len(share) - 1_200) < 4 * (4_000 * 0.3 * 0.7) ** 0.5
    assert share == met("http-slow,p=0.3", 4_000)
    assert share != met("http-slow,p=0.3", 4_000, seed=1)
    assert met("http-slow,p=0.3,count=5", 4_000) == share[:5]
    assert set(met("http-slow,p=0.6", 4_000)) > set(share)
    assert met("http-timeout,p=0.3", 4_000) != share


def test_schedules_are_half_open_and_counting_begins_with_them() -> None:
    assert met("http-slow,every=1,count=100,after=3s,for=4s", 12, step_ms=1_000) == [4, 5, 6, 7]
    assert met("http-slow,every=2,after=3s", 8, step_ms=1_000) == [5, 7]
    assert met("http-slow,count=9,until=2s", 8, step_ms=1_000) == [1, 2]
    from_ = "2030-03-17T17:46:42Z"  # two seconds after EPOCH_MS
    assert met(f"http-slow,count=9,after={from_},for=2s", 8, step_ms=1_000) == [3, 4]


def test_steady_faults_are_on_or_not_by_the_clock() -> None:
    times = Times()
    faults = Occasions(seed=0, now_ms=times)
    faults.replace([parse("http-slow,after=10s,for=30s"), parse("key-frozen"), parse("ip-unbound,p=0.5")])
    assert [each.name for each in faults.steady()] == ["key-frozen"]
    assert faults.next_turn_ms() == EPOCH_MS + 10_000
    times.now_ms += 10_000
    assert [each.name for each in faults.steady()] == ["http-slow", "key-frozen"]
    assert faults.next_turn_ms() == EPOCH_MS + 40_000
    times.now_ms += 30_000
    assert [each.name for each in faults.steady()] == ["key-frozen"]
    assert faults.next_turn_ms() is None


def held(text: str, *, seed: int = 0, step_ms: int = 60_000, steps: int = 10) -> list[int]:
    """In which of so many moments (from 0) a state holds."""
    times = Times()
    faults = Occasions(seed=seed, now_ms=times)
    faults.replace([parse(text)])
    found = []
    for moment in range(steps):
        if faults.steady():
            found.append(moment)
        times.now_ms += step_ms
    return found


def test_the_occasions_of_a_state_are_minutes() -> None:
    assert held("account-unverified,every=3") == [2, 5, 8]
    assert held("account-unverified,count=2") == [0, 1]
    assert held("account-unverified,skip=1,every=2,count=3") == [2, 4, 6]
    # Half-minutes: a stretch that meets it does so from its first to its last moment.
    assert held("account-unverified,every=2", step_ms=30_000, steps=8) == [2, 3, 6, 7]
    assert held("account-unverified,every=2,each=30s", step_ms=30_000, steps=8) == [1, 3, 5, 7]
    assert held("account-unverified,every=2,after=2min,for=3min,each=1min") == [3]
    # The schedule ends it in the middle of a stretch.
    assert held("account-unverified,count=9,until=90s", step_ms=30_000) == [0, 1, 2]


def test_minutes_are_drawn_by_the_seed() -> None:
    share = held("account-unverified,p=0.3", steps=4_000)
    assert abs(len(share) - 1_200) < 4 * (4_000 * 0.3 * 0.7) ** 0.5  # four standard deviations
    assert share == held("account-unverified,p=0.3", steps=4_000)
    assert share != held("account-unverified,p=0.3", steps=4_000, seed=1)
    assert held("account-unverified,p=0.3,count=5", steps=4_000) == share[:5]
    assert set(held("account-unverified,p=0.6", steps=4_000)) > set(share)


def test_looking_seldom_or_twice_or_back_changes_nothing() -> None:
    often = set(held("account-unverified,p=0.3,count=40", steps=200))
    assert set(held("account-unverified,p=0.3,count=40", steps=40, step_ms=300_000)) == {
        moment // 5 for moment in often if moment % 5 == 0
    }
    times = Times()
    faults = Occasions(seed=0, now_ms=times)
    faults.replace([parse("account-unverified,p=0.3,count=40")])
    for moment in (199, 3, 3, 150, 7, 0):
        times.now_ms = EPOCH_MS + moment * 60_000
        assert bool(faults.steady()) is (moment in often)


def test_a_state_says_when_it_turns_next() -> None:
    times = Times()
    faults = Occasions(seed=0, now_ms=times)
    faults.replace([parse("account-unverified,every=2,count=1,after=10s")])
    turns = []
    while (at := faults.next_turn_ms()) is not None:
        turns.append((at - EPOCH_MS, bool(faults.steady())))
        times.now_ms = at
    # It begins, its first minute passes, its second holds, and then it is over for good.
    assert turns == [(10_000, False), (70_000, False), (130_000, True)]
    assert not faults.steady()


def test_a_jump_of_years_is_no_long_reckoning() -> None:
    times = Times()
    faults = Occasions(seed=0, now_ms=times)
    faults.replace([parse("account-unverified,p=0.5,each=1s")])
    times.now_ms += 40 * 365 * 86_400_000
    faults.steady()
    (record,) = faults.records
    assert record.seen_times == 40 * 365 * 86_400 + 1
    assert record.met_times <= 100_000


def test_history_is_kept_for_what_is_left_alone() -> None:
    faults = Occasions(seed=0, now_ms=Times())
    faults.replace([parse("http-slow,count=2")])
    assert [bool(faults.meet("request")) for _ in range(3)] == [True, True, False]
    faults.replace([parse("http-slow,count=2"), parse("key-frozen")])
    assert not faults.meet("request")
    faults.replace([parse("http-slow,count=2")], anew=["http-slow"])
    assert faults.meet("request")


def test_an_occasion_sees_the_world_of_all_that_it_meets() -> None:
    faults = Occasions(seed=0, now_ms=Times())
    steady, now_and_then, other = parse("key-frozen"), parse("http-slow=1s,every=2"), parse("dns-slow,every=2")
    faults.replace([steady, now_and_then, other])
    base = circumstances([steady])
    worlds = [faults.world(base, faults.meet("request")) for _ in range(2)]
    assert worlds == [base, circumstances([steady, parse("http-slow=1s")])]
    assert [len(faults.meet("lookup", place)) for place in ("a", "b", "a", "b")] == [0, 0, 1, 1]


@pytest.mark.parametrize("fault", catalogue(), ids=lambda fault: fault.name)
def test_every_fault_takes_a_schedule_and_a_choice(fault: Any) -> None:
    assert parse(f"{fault.example},after=1s,for=2s").when.scheduled
    assert parse(f"{fault.example},p=0.5,count=3").when.chooses


# ---- over the wire ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def x() -> Iterator[Bench]:
    with serve(seed=5) as served:
        yield Bench(served)


@pytest.fixture(autouse=True)
def lifted(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "x" in request.fixturenames:
        x = request.getfixturevalue("x")
        x.lift()
        x.advance(5)  # fresh budgets


@pytest.fixture(scope="module")
def client(x: Bench) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=x.info.ca_file)
    with httpx.Client(base_url=x.info.rest_url, verify=context, trust_env=False, timeout=5) as made:
        yield made


def statuses(client: httpx.Client, times: int) -> list[int]:
    return [client.get(TRADES).status_code for _ in range(times)]


def test_requests(x: Bench, client: httpx.Client) -> None:
    x.inject("http-origin-down=502,every=3,count=2")
    assert statuses(client, 10) == [200, 200, 502, 200, 200, 502, 200, 200, 200, 200]
    assert x.met("http-origin-down") == 2


def test_keywords_say_the_same_as_words(x: Bench, client: httpx.Client) -> None:
    x.inject("http-origin-down=502", p=0.4)
    first = statuses(client, 12)
    x.inject("http-origin-down=502,p=0.4")  # turned on again, it begins anew
    assert statuses(client, 12) == first
    assert {200, 502} == set(first)
    with pytest.raises(BadFaultValue, match="states of the world"):
        x.inject("http-slow", p=0.5, each_s=5)
    with pytest.raises(ValueError, match="probability"):
        x.inject("http-slow", p=2)


def test_two_at_once_are_drawn_apart(x: Bench, client: httpx.Client) -> None:
    x.inject("http-origin-down=502,every=2", "http-not-json=empty,every=3")
    seen = [(answer.status_code, bool(answer.content)) for answer in (client.get(TRADES) for _ in range(6))]
    assert seen == [(200, True), (502, True), (200, False), (502, True), (200, True), (502, True)]


def test_a_block_ends_with_its_history(x: Bench, client: httpx.Client) -> None:
    with x.inject("http-origin-down=502,count=1"):
        assert statuses(client, 2) == [502, 200]
    assert statuses(client, 1) == [200]
    with x.inject("http-origin-down=502,count=1"):
        assert statuses(client, 2) == [502, 200]


def test_a_schedule_goes_by_the_virtual_clock(x: Bench, client: httpx.Client) -> None:
    x.inject("http-origin-down=502,after=1h,for=1h", "tcp-refused,after=3h,for=1h")
    assert statuses(client, 1) == [200]
    x.advance(3_600)
    assert statuses(client, 1) == [502]
    x.advance(3_600)
    assert statuses(client, 1) == [200]
    x.advance(3_600)
    with pytest.raises(httpx.ConnectError), httpx.Client(verify=False, trust_env=False) as fresh:
        fresh.get(x.info.rest_url + TIME)
    x.advance(3_600)
    with httpx.Client(verify=False, trust_env=False) as fresh:
        assert fresh.get(x.info.rest_url + TIME).status_code == 200


@pytest.mark.parametrize("fault", [fault for fault in catalogue() if fault.unit == "state"], ids=lambda each: each.name)
def test_every_state_comes_and_goes(fault: Any) -> None:
    """On in every second minute: the world is another one then, and the healthy one in between."""
    text = f"{fault.example},every=2"
    with serve(faults=[text]) as served:
        x, plans, worlds = Bench(served), [], []
        for _ in range(4):
            plans.append(served.running._edge.plan)
            worlds.append(served.running.exchange.world)
            x.advance(60)
    steady = parse(fault.example)
    assert worlds == [HEALTHY, circumstances([steady])] * 2
    assert plans[2:] == plans[:2]
    assert plans[0] != plans[1] or worlds[0] != worlds[1]


def test_money_that_lies_elsewhere_now_and_then_is_all_there(x: Bench) -> None:
    def wallets() -> tuple[str, str]:
        return str(x.balance("USDT", wallet="funding")), str(x.balance("USDT"))

    before = wallets()
    x.inject("account-funds-elsewhere,every=2,count=3", "order-insufficient-funds,every=3,each=20s")
    seen = set()
    for _ in range(20):
        x.advance(20)
        seen.add(wallets())
    x.lift()
    assert len(seen) > 1
    assert wallets() == before


def test_a_clock_that_is_stepped_or_runs_fast_turns_faults_as_well() -> None:
    with serve(faults=["http-origin-down=502,after=1d"], clock=Clock(lambda: EPOCH_MS * 1_000_000)) as served:
        url = served.info.plain_rest_url + TIME
        assert httpx.get(url, trust_env=False).status_code == 200
        served.clock.step(86_400)
        Bench(served).wait_for(lambda: httpx.get(url, trust_env=False).status_code == 502)
    with serve(faults=["http-origin-down=502,after=1d"]) as served:
        served.clock.run_at(1e6)
        Bench(served).wait_for(lambda: httpx.get(served.info.plain_rest_url + TIME, trust_env=False).status_code == 502)


def test_the_history_of_a_fault_that_the_clock_is_moved_by() -> None:
    """A wrong clock of the user's is no other schedule."""
    with serve(faults=["clock-behind=3d,after=1h", "http-origin-down=502,after=2h"]) as served:
        bench, url = Bench(served), served.info.plain_rest_url + TIME
        bench.advance(3_600)
        assert httpx.get(url, trust_env=False).status_code == 200
        bench.advance(3_600)
        assert httpx.get(url, trust_env=False).status_code == 502


def handshake(x: Bench) -> str:
    """How a TLS connection to the exchange goes."""
    context = ssl.create_default_context(cafile=x.info.ca_file)
    at = urlsplit(x.info.rest_url)
    try:
        with (
            socket.create_connection((at.hostname, at.port), timeout=5) as raw,
            context.wrap_socket(raw, server_hostname="openapi.okx.test"),
        ):
            return "ok"
    except ssl.SSLCertVerificationError as error:
        return {10: "expired", 62: "mismatch"}.get(error.verify_code, str(error))
    except ConnectionResetError:
        return "reset"
    except OSError as error:
        return type(error).__name__


def test_connections(x: Bench) -> None:
    x.inject("tls-expired,every=2", "tls-hostname-mismatch,every=3")
    assert [handshake(x) for _ in range(5)] == ["ok", "expired", "mismatch", "expired", "ok"]
    x.lift()
    x.inject("tcp-refused,count=2")
    assert [handshake(x) for _ in range(3)] == ["reset", "reset", "ok"]


def ask(server: str, name: str = "openapi.okx.test") -> str:
    host, _, port = server.rpartition(":")
    try:
        answer = dns.query.udp(dns.message.make_query(name, "A"), host, port=int(port), timeout=0.3)
    except dns.exception.Timeout:
        return "silent"
    return str(answer.answer[0][0]) if answer.answer else dns.rcode.to_text(answer.rcode())


def test_lookups_count_for_each_server(x: Bench) -> None:
    x.inject("dns-name-not-found,every=2")
    assert [ask(x.info.dns_server) for _ in range(3)] == ["127.0.0.1", "NXDOMAIN", "127.0.0.1"]
    assert [ask(x.info.independent_dns_server) for _ in range(2)] == ["127.0.0.1", "NXDOMAIN"]
    x.inject("dns-resolver-down,count=1")
    assert [ask(x.info.dns_server) for _ in range(3)] == ["silent", "127.0.0.1", "NXDOMAIN"]


def test_packets_of_time(x: Bench) -> None:
    host, _, port = x.info.ntp_server.rpartition(":")
    x.inject("clock-sources-disagree=1h,count=1")
    offsets = [ntplib.NTPClient().request(host, port=int(port)).offset for _ in range(2)]
    assert offsets[0] - offsets[1] == pytest.approx(3_600, abs=1)


def test_tunnels(x: Bench) -> None:
    x.inject("proxy-forbidden=403,every=2", "http-slow=1ms")
    assert x.info.proxy_in_use
    at = urlsplit(x.info.proxy_url)

    def connect() -> str:
        with socket.create_connection((at.hostname, at.port), timeout=5) as raw:
            raw.sendall(f"CONNECT {urlsplit(x.info.rest_url).netloc} HTTP/1.1\r\n\r\n".encode())
            return raw.recv(100).split(b" ")[1].decode()

    assert [connect() for _ in range(4)] == ["200", "403", "200", "403"]


def signed(x: Bench, path: str) -> dict[str, str]:
    """The headers of a GET (documentation, REST authentication), of a client whose clock is right."""
    stamp = iso_ms(x.served.clock.now_ms())
    mac = hmac.new(x.info.secret_key.encode(), f"{stamp}GET{path}".encode(), hashlib.sha256)
    return {
        "OK-ACCESS-KEY": x.info.api_key, "OK-ACCESS-SIGN": base64.b64encode(mac.digest()).decode(),
        "OK-ACCESS-TIMESTAMP": stamp, "OK-ACCESS-PASSPHRASE": x.info.passphrase,
    }  # fmt: skip


def test_keys_and_clocks_for_single_requests_leave_no_trace(x: Bench) -> None:
    exchange = x.served.exchange
    keys, offset = dict(exchange.sites["global"].keys), exchange.clock.offset_ms
    x.inject("key-unknown,every=2", "clock-ahead=45s,every=3")
    with httpx.Client(base_url=x.info.plain_rest_url, trust_env=False) as client:
        times = [int(client.get(TIME).json()["data"][0]["ts"]) for _ in range(3)]
        codes = [client.get(CONFIG, headers=signed(x, CONFIG)).json()["code"] for _ in range(3)]
    assert times[1] - times[2] == pytest.approx(45_000, abs=5_000)
    # The fourth and the sixth request of all meet the deleted key, the sixth another clock as well.
    assert codes == ["50119", "0", "50102"]
    assert exchange.world == HEALTHY
    assert exchange.sites["global"].keys == keys
    assert exchange.clock.offset_ms == offset


def test_the_same_seed_gives_the_same_bytes() -> None:
    def bodies(seed: int) -> list[tuple[int, bytes]]:
        faults = ["http-origin-down=502,p=0.3", "http-not-json=html,p=0.3", "key-frozen,p=0.5"]
        with (
            serve(seed=seed, faults=faults, clock=Clock(lambda: EPOCH_MS * 1_000_000)) as served,
            httpx.Client(base_url=served.info.plain_rest_url, trust_env=False) as client,
        ):
            return [(answer.status_code, answer.content) for answer in (client.get(TRADES) for _ in range(30))]

    first = bodies(3)
    assert first == bodies(3)
    assert first != bodies(4)
    assert len({status for status, _ in first}) == 2


def test_what_is_injected_as_a_value_is_taken_as_it_is() -> None:
    (fault,) = (each for each in catalogue() if each.name == "http-slow")
    made = Injected(fault=fault, value=0.001, when=When(every=2))
    with serve(faults=[made]) as served:
        assert served.faults.on == (made,)
