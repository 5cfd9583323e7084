"""The control endpoint as another language meets it: bytes over a socket, JSON back."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

import pytest

from okxdoctor.exchange import Bench, serve
from okxdoctor.exchange.serving import control as documented

JSON = "Content-Type: application/json"


@pytest.fixture
def served() -> Iterator[Any]:
    with serve(seed=12) as exchange:
        yield exchange


@pytest.fixture
def x(served: Any) -> Bench:
    return Bench(served)


class Caller:
    """Sends requests as curl would, byte by byte."""

    def __init__(self, url: str) -> None:
        self.where = urlsplit(url)

    def raw(self, head: str, body: bytes = b"") -> tuple[int, Any]:
        """One request; ``head`` has CRLF or LF line ends and may lack Host."""
        lines = head.strip().splitlines()
        if not any(line.lower().startswith("host:") for line in lines):
            lines.append(f"Host: {self.where.netloc}")
        if body or lines[0].startswith("POST"):
            lines.append(f"Content-Length: {len(body)}")
        lines.append("Connection: close")
        with socket.create_connection((self.where.hostname, self.where.port), timeout=10) as wire:
            wire.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
            answer = b"".join(iter(lambda: wire.recv(65_536), b""))
        top, _, content = answer.partition(b"\r\n\r\n")
        assert b"application/json" in top, answer
        return int(top.split()[1]), json.loads(content)

    def get(self, path: str) -> Any:
        status, answer = self.raw(f"GET {self.where.path}{path} HTTP/1.1")
        assert status == 200, answer
        return answer

    def post(self, path: str, body: object) -> Any:
        status, answer = self.raw(f"POST {self.where.path}{path} HTTP/1.1\n{JSON}", json.dumps(body).encode())
        assert status == 200, answer
        return answer

    def refused(self, path: str, body: object) -> str:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, answer = self.raw(f"POST {self.where.path}{path} HTTP/1.1\n{JSON}", raw)
        assert status == 400, answer
        assert answer.keys() == {"error"}
        error: str = answer["error"]
        assert error
        assert "\n" not in error
        return error


@pytest.fixture
def call(x: Bench) -> Caller:
    return Caller(x.info.control_url)


def test_what_there_is_is_what_is_documented(call: Caller) -> None:
    index = call.get("")
    assert call.get("/") == index
    written = re.findall(r"^    (GET|POST) +(/__control__[a-z/-]*)", documented.__doc__ or "", re.MULTILINE)
    assert sorted(index["actions"]) == sorted(f"{method} {path}" for method, path in written)
    assert index["help"] == (documented.__doc__ or "").splitlines()


def test_the_environment_of_a_client(call: Caller, x: Bench) -> None:
    assert call.get("/environ") == x.environ()
    assert call.get("/environ?site=eea&environment=demo") == x.at("eea", "demo").environ()


def test_a_story_from_money_to_a_filled_order(call: Caller, x: Bench, Client: Any) -> None:
    client = Client(x)
    assert call.post("/funds", {"ccy": "USDT", "amount": 90000})["cash"] == "100000"
    assert call.post("/funds", {"ccy": "USDT", "amount": "1.5", "environment": "demo"})["cash"] == "10001.5"
    assert client.cash("USDT") == 100_000
    assert float(call.post("/market", {"inst": "BTC-USDT", "to": 60000})["bid"]) == pytest.approx(60_000, rel=0.003)
    order_id = client.order("59000", "0.5")
    assert [row["ordId"] for row in call.get("/orders")["orders"]] == [order_id]
    assert call.get("/funds?ccy=USDT") == {"cash": "100000", "available": "70500", "frozen": "29500"}
    assert call.post("/fill", {"ord_id": order_id, "sz": "0.2"})["accFillSz"] == "0.2"
    assert client.cash("USDT") == 100_000 - Fraction("11800")
    assert float(call.post("/market", {"inst": "BTC-USDT", "by": -0.05})["bid"]) == pytest.approx(57_000, rel=0.01)
    assert call.get("/orders")["orders"] == []
    call.post("/clock", {"advance_s": 1})
    assert float(call.get("/market?inst=BTC-USDT")["last"]) == pytest.approx(57_000, rel=0.01)
    last = call.get("/market?inst=ETH-USDT")["last"]
    wanted = {"inst": "ETH-USDT", "side": "buy", "px": last, "sz": 0.01}
    assert call.post("/counter-order", wanted)["sz"] == "0.01"


def test_time_and_faults(call: Caller, x: Bench, Client: Any) -> None:
    client, before = Client(x), call.get("/clock")["now_ms"]
    assert call.post("/clock", {"advance_s": 600})["now_ms"] >= before + 600_000
    assert client("GET", "/api/v5/account/config")["code"] == "0"
    assert call.post("/clock", {"freeze": True})["rate"] == 0
    assert call.get("/clock") == call.get("/clock")
    assert call.post("/clock", {"resume": True})["rate"] == 1
    assert call.post("/faults", {"on": ["key-frozen", "http-slow=1ms"]})["on"] == [
        {"name": "key-frozen", "value": None, "when": "", "occasions": 0, "met": 0},
        {"name": "http-slow", "value": 0.001, "when": "", "occasions": 0, "met": 0},
    ]
    assert client("GET", "/api/v5/account/config")["code"] == "50100"
    assert [each["name"] for each in call.post("/faults", {"off": ["key-frozen"]})["on"]] == ["http-slow"]
    assert call.post("/faults", {"clear": True}) == call.get("/faults") == {"on": []}
    call.post("/faults", {"on": ["key-frozen;every=2;count=1;after=1h"]})
    assert [client("GET", "/api/v5/account/config")["code"] for _ in range(2)] == ["0", "0"]
    call.post("/clock", {"advance_s": 3_600})
    assert [client("GET", "/api/v5/account/config")["code"] for _ in range(4)] == ["0", "50100", "0", "0"]
    assert call.get("/faults")["on"] == [
        {"name": "key-frozen", "value": None, "when": "every=2,count=1,after=3600s", "occasions": 4, "met": 1}
    ]
    call.post("/faults", {"clear": True})
    assert call.post("/clock", {"step_s": 45})["rate"] == 1
    assert client("GET", "/api/v5/account/config")["code"] == "50102"


def test_the_log_from_an_entry_on(call: Caller, x: Bench, Client: Any) -> None:
    client = Client(x)
    client("GET", "/api/v5/public/time?a=1")
    (entry,) = call.get("/log")["entries"]
    assert (entry["kind"], entry["direction"], entry["method"]) == ("rest", "in", "GET")
    assert entry["target"] == "/api/v5/public/time?a=1"
    assert json.loads(entry["answer"])["code"] == "0"
    client("GET", "/api/v5/account/config")
    (entry,) = call.get(f"/log?after={entry['number']}")["entries"]
    assert entry["target"] == "/api/v5/account/config"
    assert x.site.passphrase not in json.dumps(call.get("/log"))


def test_a_key_is_bound_to_addresses(call: Caller, x: Bench, Client: Any) -> None:
    assert call.post("/key", {"ip": ["203.0.113.7", "198.51.100.0/24"]}) == {"ip": ["203.0.113.7", "198.51.100.0/24"]}
    refused = Client(x)("GET", "/api/v5/account/config")
    assert (refused["code"], "127.0.0.1" in refused["msg"]) == ("50110", True)
    call.post("/key", {"ip": ["127.0.0.0/8", "::1"]})
    assert Client(x)("GET", "/api/v5/account/config")["data"][0]["ip"] == "127.0.0.0/8,::1"
    call.post("/key", {"ip": []})
    assert Client(x)("GET", "/api/v5/account/config")["data"][0]["ip"] == ""
    x.bind_key("203.0.113.7")
    x.inject("permission-missing")
    assert Client(x)("GET", "/api/v5/account/config")["code"] == "50110"


def test_connections_end(call: Caller, x: Bench, Client: Any) -> None:
    with Client(x).private(), Client(x).private():
        assert call.post("/cut", {}) == {"cut": 2}
    with Client(x).private() as open_one:
        assert call.post("/notice", {"grace_s": 0.01}) == {}
        assert json.loads(open_one.recv(timeout=10))["code"] == "64008"
    assert call.post("/cut", {}) == {"cut": 0}


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/faults", b"{", "not JSON"), ("/faults", b"\xff\xfe", "not JSON"), ("/faults", b"[]", "no JSON object"),
        ("/faults", b'"on"', "no JSON object"), ("/faults", b"[" * 100_000, "JSON|deeply"),
        ("/faults", b'{"on":' * 50_000, "JSON|deeply"),
        ("/faults", {"on": "ws-silent"}, "on is a list of texts"), ("/faults", {"on": [1]}, "on is a list of texts"),
        ("/faults", {"on": ["nonsense"]}, "no fault is called 'nonsense'"),
        ("/faults", {"on": ["http-slow=much"]}, "http-slow wants a duration"),
        ("/clock", {"step_s": "3"}, "step_s is a number"), ("/clock", {"rate": -1}, "zero or more"),
        ("/clock", {"advance_s": -1}, "forward"), ("/clock", {"step_s": True}, "step_s is a number"),
        ("/clock", {"step_s": 10**400}, "step_s is too large|not JSON"), ("/clock", {"advance_s": 1e300}, "forward"),
        ("/clock", {"step_s": 1e300}, "up to 1e.09 seconds"), ("/clock", {"rate": 1e300}, "up to 1e.06"),
        ("/clock", {"step_s": 1e9, "rate": -1}, "rate"),  ("/clock", {"step_s": -2e9}, "1970|up to"),
        ("/funds", {}, "ccy is missing"), ("/funds", {"ccy": "USDT", "amount": []}, "amount is a text or a number"),
        ("/funds", {"ccy": "USDT", "amount": "a lot"}, "amount is a number, not 'a lot'"),
        ("/funds", {"ccy": "USDT", "amount": 1, "wallet": "purse"}, "trading, funding"),
        ("/funds", {"ccy": "USDT", "amount": 1, "site": "mars"}, "global, eea, us"),
        ("/funds", {"ccy": "USDT", "amount": 1, "site": {}}, "site is a text or a number"),
        ("/fill", {"ord_id": "1"}, "no order of global-live is open under '1'"), ("/fill", {}, "ord_id is missing"),
        ("/market", {"inst": "BTC-USDT"}, "to a price or by a fraction"), ("/market", {"inst": "X"}, "trades as 'X'"),
        ("/market", {"inst": "BTC-USDT", "by": "down"}, "by is a number"),
        ("/counter-order", {"inst": "BTC-USDT", "side": "sell", "px": "1", "sz": "1"}, "51138"),
        ("/notice", {"grace_s": 1e9}, "60 seconds"),
        ("/clock", {"advance": 31}, "'advance' is not known here; there is: site, environment, advance_s, step_s"),
        ("/cut", {"all": True}, "'all' is not known here"), ("/faults", {"site": "eea", "fault": []}, "'fault'"),
        ("/key", {}, "ip is missing"), ("/key", {"ip": "127.0.0.1"}, "ip is a list of texts"),
        ("/key", {"ip": ["here"]}, "'here' is neither an address nor a network"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(call: Caller, path: str, body: object, says: str) -> None:
    before = call.get("/clock")["rate"]
    assert re.search(says, call.refused(path, body))
    assert call.get("/faults") == {"on": []}
    assert call.get("/clock")["rate"] == before


def test_every_post_has_its_fields(call: Caller) -> None:
    posts = {name.partition("__control__")[2] for name in call.get("")["actions"] if name.startswith("POST ")}
    assert posts == set(documented.FIELDS)
    told = " ".join(str(documented.__doc__).split())
    assert [name for fields in documented.FIELDS.values() for name in fields if f'"{name}"' not in told] == []


def test_other_places_and_verbs(call: Caller) -> None:
    for head in ("GET /__control__/nowhere", "DELETE /__control__/faults", "GET /__control__/cut", "PUT /__control__"):
        status, answer = call.raw(f"{head} HTTP/1.1")
        assert (status, answer["error"]) == (404, "no such control action")
        assert "POST /__control__/cut" in answer["actions"]
    assert call.raw("GET /__control__/log?after=now HTTP/1.1")[0] == 400


@pytest.mark.parametrize(
    "line",
    [
        "Host: evil.example", "Host: 127.0.0.1.evil.example", "Host: [::1", "Host: 10.0.0.1:80", "Host: localhost.evil",
        "Origin: https://evil.example", "Origin: null", "Origin: http://127.0.0.1.evil.example", "Origin: [",
        "Origin: http://[::1", "Origin:",
    ],
)  # fmt: skip
def test_other_hosts_and_origins_are_refused(call: Caller, line: str) -> None:
    status, answer = call.raw(f"POST /__control__/faults HTTP/1.1\n{JSON}\n{line}", b'{"on":["ws-silent"]}')
    assert status == 403
    assert "error" in answer
    assert call.get("/faults") == {"on": []}


@pytest.mark.parametrize("line", ["Origin: http://localhost:3000", "Host: localhost", "Host: [::1]:80"])
def test_this_machine_is_not_refused(call: Caller, line: str) -> None:
    assert call.raw(f"GET /__control__/faults HTTP/1.1\n{line}") == (200, {"on": []})


def test_a_form_of_another_page_is_refused(call: Caller) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        status, _ = call.raw(f"POST /__control__/faults HTTP/1.1\nContent-Type: {kind}", b'{"clear": true}')
        assert status == 415
    assert call.raw("POST /__control__/cut HTTP/1.1")[0] == 415


def test_no_secret_but_the_environment(call: Caller, x: Bench, Client: Any) -> None:
    client = Client(x)
    with client.private():
        client("POST", "/api/v5/trade/order", {"secret": x.site.secret_key})
    said = json.dumps([call.get(path) for path in ("", "/faults", "/clock", "/log", "/orders", "/funds?ccy=BTC")])
    assert x.site.secret_key not in said
    assert x.site.passphrase not in said


def test_the_help_of_sim_says_where_to_look() -> None:
    from click.testing import CliRunner

    from okxdoctor.cli.sim import sim

    said = " ".join(CliRunner().invoke(sim, ["--help"]).output.split())
    assert "control_url of the ready line" in said
    assert "okx_exchange" in said
