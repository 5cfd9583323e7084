"""What one order round trip may send, and nothing else: the only calls of this program that change anything.

They pass when all of this holds: the user allowed them for this run (--demo-orders); the environment is demo, or the
target is the embedded exchange on loopback; the call goes to the run's own site, signed, with the environment's own
header. And each body is one of three:

* place: a post-only spot order of one instrument under a client order id of this program, once in a run;
* amend: a new price for the order that was placed, at most twice;
* cancel: by client order id, the order that was placed or one that an earlier run left behind, a few times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from okxdoctor.okx import json_text
from okxdoctor.port import Ask, View

PLACE, AMEND, CANCEL = "/api/v5/trade/order", "/api/v5/trade/amend-order", "/api/v5/trade/cancel-order"
MOST: Mapping[str, int] = {PLACE: 1, AMEND: 2, CANCEL: 6}
"""So many of each in one run."""

OWN_ID = re.compile(r"okxdoctor[0-9a-f]{20}\Z", re.ASCII)
"""Client order ids of this program; nobody else's order is ever touched."""

_INSTRUMENT = re.compile(r"[A-Z0-9]{1,20}-[A-Z0-9]{1,20}\Z", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?\Z", re.ASCII)
_FORMS: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    PLACE: {
        "instId": _INSTRUMENT,
        "tdMode": re.compile(r"(cash|cross)\Z"),
        "side": re.compile(r"(buy|sell)\Z"),
        "ordType": re.compile(r"post_only\Z"),
        "px": _NUMBER,
        "sz": _NUMBER,
        "clOrdId": OWN_ID,
    },
    AMEND: {"instId": _INSTRUMENT, "clOrdId": OWN_ID, "newPx": _NUMBER},
    CANCEL: {"instId": _INSTRUMENT, "clOrdId": OWN_ID},
}


class Allowance:
    """Counts what it lets through; one for each target, so for each run."""

    def __init__(self, view: View) -> None:
        on_loopback = view.kind == "sim" and view.addresses == "loopback"
        demo = view.kind == "demo" and view.environment == "demo"
        self._open = view.demo_orders and (demo or on_loopback)
        self._sent: dict[str, int] = {}
        self._placed = ""

    def takes(self, ask: Ask) -> bool:
        """Whether this request is one of the round trip's, and there is room for it; counts it if so."""
        form = _FORMS.get(ask.path)
        if not self._open or ask.method != "POST" or form is None:
            return False
        if not ask.signed or ask.cell is not None or ask.simulated is not None:
            return False
        if self._sent.get(ask.path, 0) >= MOST[ask.path]:
            return False
        body = json_text.read(ask.body or "")
        if not isinstance(body, dict) or set(body) != set(form):
            return False
        if not all(isinstance(body[name], str) and form[name].match(str(body[name])) for name in form):
            return False
        client_id = str(body["clOrdId"])
        if ask.path == AMEND and client_id != self._placed:
            return False
        if ask.path == PLACE:
            self._placed = client_id
        self._sent[ask.path] = self._sent.get(ask.path, 0) + 1
        return True
