"""The limits that ``okxdoctor sim --help`` tells are those that are kept."""

from __future__ import annotations

import re

from click.testing import CliRunner

from okxdoctor.cli.sim import sim
from okxdoctor.exchange.net import edge
from okxdoctor.exchange.serving import express, h2, sockets, web


def test_the_limits_of_the_help_are_those_of_the_code() -> None:
    said = " ".join(CliRunner().invoke(sim, ["--help"]).output.split()).partition("Limits:")[2]
    told = [int(number) for number in re.findall(r"\d+", re.sub(r"\(\d+\)", "", said))]
    assert told == [
        express.MAX_BODY >> 20, express.MAX_HEAD >> 10, express.MAX_ENDLESS >> 10, sockets.MAX_MESSAGE >> 10,
        sockets.QUEUE, int(web.PATIENCE_S), int(express.IDLE_S),
    ]  # fmt: skip
    assert h2.MAX_BODY == express.MAX_BODY
    assert (edge.HANDSHAKE_S, web.KEEPALIVE_S) == (web.PATIENCE_S, express.IDLE_S)
