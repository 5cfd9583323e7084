"""Captures made from the reference vectors, whose signatures the openssl program computed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from okxdoctor.knowledge.vectors import Vector
from okxdoctor.triage.capture import Capture, Login, Request
from okxdoctor.triage.inspection import Known

API_KEY = "7b0c5e1a-3f52-4d8e-9a61-0c4b7d2e9f13"
PASSPHRASE = "Vector-Phrase-1"


def capture_of(vector: Vector) -> Capture:
    """What the client of a signing vector puts on the wire."""
    data = vector.data
    sent = data.get("sent")
    sign = sent["sign"] if sent else data["expect"]["sign"]
    if vector.kind == "ws":
        return Login(
            label=vector.id,
            key=data["wire"]["apiKey"],
            passphrase=data["wire"]["passphrase"],
            timestamp=sent["timestamp"] if sent else data["wire"]["timestamp"],
            sign=sign,
        )
    wire = data["wire"]
    headers = [
        ("OK-ACCESS-KEY", API_KEY),
        ("OK-ACCESS-SIGN", sign),
        ("OK-ACCESS-TIMESTAMP", sent["timestamp"] if sent else data["input"]["timestamp"]),
        ("OK-ACCESS-PASSPHRASE", PASSPHRASE),
    ]
    if wire["body"]:
        headers.append(("Content-Type", "application/json"))
    return Request(
        form="vector",
        label=vector.id,
        method=data["input"]["method"].upper(),
        origin="https://www.okx.com",
        target=wire["request_path"],
        headers=tuple(headers),
        body=wire["body"].encode(),
    )


def known_of(vector: Vector) -> Known:
    return Known(api_key=API_KEY, secret=vector.data["input"]["secret"], passphrase=PASSPHRASE)


@pytest.fixture(scope="session")
def captured() -> Callable[[Vector], Capture]:
    return capture_of


@pytest.fixture(scope="session")
def known() -> Callable[[Vector], Known]:
    return known_of
