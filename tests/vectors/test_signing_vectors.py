"""Every stage of every signing vector, recomputed by the openssl program, and okxdoctor's own signing against it."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import pytest

from okxdoctor.knowledge.vectors import Vector, load
from okxdoctor.okx import signing
from okxdoctor.okx.timestamps import header_flaws, login_flaws

SIGN, WS = load("sign").vectors, load("ws").vectors


def _right_jobs(vectors: tuple[Vector, ...]) -> list[tuple[str, bytes, bytes]]:
    return [
        ("hmac-sha256", v.data["input"]["secret"].encode(), bytes.fromhex(v.data["expect"]["prehash_hex"]))
        for v in vectors
    ]


@pytest.mark.parametrize("vectors", [SIGN, WS], ids=["sign", "ws"])
def test_openssl_computes_every_right_stage(vectors: tuple[Vector, ...], openssl: ModuleType) -> None:
    digests = openssl.digests(_right_jobs(vectors))
    texts = openssl.base64(digests)
    for vector, digest, text in zip(vectors, digests, texts, strict=True):
        expect = vector.data["expect"]
        assert expect["prehash"].encode().hex() == expect["prehash_hex"], vector.id
        assert digest.hex() == expect["digest_hex"], vector.id
        assert text == expect["sign"], vector.id


def test_the_prehash_is_made_of_the_parts_on_the_wire() -> None:
    for vector in SIGN:
        data = vector.data
        given, wire = data["input"], data["wire"]
        whole = given["timestamp"] + given["method"].upper() + wire["request_path"] + wire["body"]
        assert data["expect"]["prehash"] == whole, vector.id
    for vector in WS:
        given = vector.data["input"]
        assert vector.data["expect"]["prehash"] == f"{given['epoch_s']}GET/users/self/verify", vector.id


def _written(form: str, digest: bytes, oracle: ModuleType) -> str | None:
    """The text that a client with this habit writes; None for a constant text."""
    plain, of_hex = oracle.base64([digest, digest.hex().encode()])
    texts: dict[str, str | None] = {
        "base64": plain,
        "hex": digest.hex(),
        "hex-upper": digest.hex().upper(),
        "base64-of-hex": of_hex,
        "base64url": plain.translate(str.maketrans("+/", "-_")),
        "base64-unpadded": plain.rstrip("="),
        "base64-newline": plain + "\n",
        "python-bytes": f"b'{plain}'",
        "literal": None,
    }
    return texts[form]


@pytest.mark.parametrize("vectors", [SIGN, WS], ids=["sign", "ws"])
def test_openssl_computes_every_wrong_stage_and_it_is_wrong(vectors: tuple[Vector, ...], openssl: ModuleType) -> None:
    wrong = [vector for vector in vectors if not vector.valid]
    sent = [vector.data["sent"] for vector in wrong]
    digests = openssl.digests(
        [(s["algorithm"], bytes.fromhex(s["key_hex"]), bytes.fromhex(s["prehash_hex"])) for s in sent]
    )
    plain = openssl.base64(digests)
    for vector, what, digest, text in zip(wrong, sent, digests, plain, strict=True):
        assert what["prehash"].encode().hex() == what["prehash_hex"], vector.id
        assert digest.hex() == what["digest_hex"], vector.id
        if what["form"] == "base64":
            assert what["sign"] == text, vector.id
        elif what["form"] != "literal":
            assert what["sign"] == _written(what["form"], digest, openssl), vector.id
        header = vector.data["input"].get("timestamp", vector.data["input"].get("epoch_s"))
        assert what["sign"] != vector.data["expect"]["sign"] or what["timestamp"] != header, vector.id


def _changed_parts(vector: Vector) -> set[str]:
    """Which parts of the recipe differ from the right one, found from the stages and not from the label."""
    sent, given, expect = vector.data["sent"], vector.data["input"], vector.data["expect"]
    header = given.get("timestamp", given.get("epoch_s"))
    found = set()
    if sent["timestamp"] != header:
        found.add("header")
    if sent["prehash_hex"] != expect["prehash_hex"]:
        found.add("prehash")
    if sent["key_hex"] != given["secret"].encode().hex():
        found.add("key")
    if sent["algorithm"] != "hmac-sha256":
        found.add("algorithm")
    if sent["form"] != "base64":
        found.add("form")
    return found


@pytest.mark.parametrize(
    ("causes", "parts"),
    [
        (("signature.query-unsigned", "signature.query-sorted", "signature.query-encoding",
          "signature.body-reserialised", "signature.body-unsigned", "signature.method-case", "signature.path",
          "signature.prehash-order", "signature.timestamp-differs",
          "signature.ws-template"), [{"prehash"}]),
        (("signature.encoding", "signature.not-text"), [{"form"}]),
        (("signature.secret-altered", "signature.unexplained"), [{"key"}]),
        (("signature.digest",), [{"algorithm"}, {"algorithm", "prehash", "key"}]),
        (("timestamp.format",), [{"header", "prehash"}]),
    ],
)  # fmt: skip
def test_a_must_fail_vector_differs_in_what_its_cause_names(causes: tuple[str, ...], parts: list[set[str]]) -> None:
    found = [vector for vector in SIGN + WS if vector.cause in causes]
    assert found
    for vector in found:
        assert _changed_parts(vector) in parts, vector.id


def test_the_wrong_timestamp_texts_are_judged_wrong() -> None:
    for vector in SIGN + WS:
        judge = header_flaws if vector.op == "sign" else login_flaws
        if vector.valid and "lenient-form" not in vector.flags:
            assert judge(vector.data["input"].get("timestamp", vector.data["input"].get("epoch_s"))) == (), vector.id
        elif vector.cause == "timestamp.format":
            assert judge(vector.data["sent"]["timestamp"]) != (), vector.id


# ---- okxdoctor's own signing ---------------------------------------------------------------------------------------


def _signed(data: Any) -> tuple[bytes, str]:
    given, wire = data["input"], data["wire"]
    parts = (given["timestamp"], given["method"], wire["request_path"], wire["body"])
    return signing.prehash(*parts), signing.sign(given["secret"], *parts)


def test_okxdoctor_signs_every_request_as_expected() -> None:
    for vector in SIGN:
        message, sign = _signed(vector.data)
        assert message.hex() == vector.data["expect"]["prehash_hex"], vector.id
        assert sign == vector.data["expect"]["sign"], vector.id
        digest = signing.digest(vector.data["input"]["secret"], message)
        assert digest.hex() == vector.data["expect"]["digest_hex"], vector.id
        given, wire = vector.data["input"], vector.data["wire"]
        prepared = signing.Signer(given["secret"])
        assert prepared.sign(given["timestamp"], given["method"], wire["request_path"], wire["body"]) == sign, vector.id


def test_okxdoctor_signs_every_login_as_expected() -> None:
    for vector in WS:
        given, expect = vector.data["input"], vector.data["expect"]
        assert signing.ws_prehash(given["epoch_s"]).hex() == expect["prehash_hex"], vector.id
        assert signing.ws_sign(given["secret"], given["epoch_s"]) == expect["sign"], vector.id
        if "canonical" in vector.flags:
            made = signing.login_argument(
                key=given["key"],
                secret=given["secret"],
                passphrase=given["passphrase"],
                epoch_s=int(given["epoch_s"]),
            )
            assert made == vector.data["wire"], vector.id


def test_okxdoctor_never_makes_a_must_fail_signature() -> None:
    for vector in SIGN:
        sent = vector.data.get("sent")
        if sent is not None and sent["timestamp"] == vector.data["input"]["timestamp"]:
            assert _signed(vector.data)[1] != sent["sign"], vector.id


def test_okxdoctor_builds_the_canonical_requests() -> None:
    canonical = [vector for vector in SIGN if "canonical" in vector.flags]
    assert len(canonical) >= 100
    for vector in canonical:
        given, wire = vector.data["input"], vector.data["wire"]
        params = None if given["params"] is None else [tuple(pair) for pair in given["params"]]
        assert signing.request_path(given["path"], params) == wire["request_path"], vector.id
        value = None if given["body_json"] is None else json.loads(given["body_json"])
        assert signing.json_body(value) == wire["body"], vector.id


def _meanings(params: list[list[Any]]) -> list[list[list[str]]]:
    """The pairs that a server may read; where there are lists, one reading for each way to write them."""

    def listed(name: str, items: list[str], way: str) -> list[list[str]]:
        match way:
            case "commas":
                return [[name, ",".join(items)]]
            case "json":
                return [[name, json.dumps(items, ensure_ascii=False, separators=(",", ":"))]]
            case mark:
                return [[name + mark.replace("n", str(place)), item] for place, item in enumerate(items)]

    words = {True: "true", False: "false"}
    readings = []
    for way in ("commas", "", "[]", "[n]", "json"):
        pairs: list[list[str]] = []
        for name, value in params:
            if isinstance(value, list):
                pairs += listed(name, value, way)
            elif value is not None:
                pairs.append([name, words.get(value, value) if isinstance(value, bool) else value])
        readings.append(pairs)
    return readings


def test_lists_are_there_in_every_way_to_write_them() -> None:
    """The same input with several wires: an implementation may choose."""
    wires: dict[str, set[str]] = {}
    for vector in SIGN:
        if vector.valid and any(isinstance(value, list) for _, value in vector.data["input"]["params"] or ()):
            wires.setdefault(json.dumps(vector.data["input"]), set()).add(vector.data["wire"]["request_path"])
    assert len(wires) >= 10
    assert all(len(paths) >= 3 for paths in wires.values())


def test_the_wire_means_the_input_in_every_vector() -> None:
    """Whatever the encoding, query and body on the wire decode to what was given."""
    for vector in SIGN:
        given, wire = vector.data["input"], vector.data["wire"]
        split = urlsplit(wire["request_path"])
        assert split.path.rstrip("/") == given["path"].rstrip("/"), vector.id
        if given["params"] is not None:
            plus_is_space = "encoding-plus" in vector.flags
            query = split.query if plus_is_space else split.query.replace("+", "%2B")
            pairs = [list(pair) for pair in parse_qsl(query, keep_blank_values=True)]
            assert pairs in _meanings(given["params"]), vector.id
        assert (wire["body"] or None) == given["body_json"], vector.id
        assert unquote_plus(split.query) is not None
