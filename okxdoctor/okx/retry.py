"""Whether sending again can help, by the code or the HTTP status of a refusal.

A small table on purpose: it holds the codes whose documented text says "later", "too many" or "may have
happened". Every other code is a refusal of the request as it is, and sending the same again is refused again.

Source: error table of the API v5 documentation (text of 2026-07); HTTP 429 for 50011 and 50013 is observed.
Grade: documented.
"""

from __future__ import annotations

from enum import StrEnum


class Retry(StrEnum):
    """What may be done with the same request."""

    NO = "no"
    """The request has to change first."""
    AFTER_WAIT = "after-wait"
    """Refused before anything happened; the same request may be sent after a pause."""
    RE_SIGN = "re-sign"
    """The same request with a new timestamp and signature."""
    AFTER_RECONCILE = "after-reconcile"
    """The outcome is unknown. A read may be repeated; a write only after asking what became of the first
    one.
    """


_AFTER_WAIT = frozenset(
    {
        "50001",  # service temporarily unavailable (503)
        "50011",  # rate limit of the endpoint (429)
        "50013",  # systems are busy (429)
        "50040",  # too frequent operations
        "50061",  # orders of the sub-account in two seconds
        "51113",  # market-price liquidations too frequent (429)
        "52924",  # convert: too many orders
        "58102",  # asset endpoints: rate limit (429)
        "60014",  # WebSocket: requests too frequent
        "60023",  # WebSocket: bulk logins too frequent
        "63999",  # WebSocket: login failed by an internal error
    }
)
_AFTER_RECONCILE = frozenset(
    {
        "50004",  # endpoint timeout: says nothing about success or failure
        "50026",  # system error (500)
        "51054",  # request timed out (500)
        "51149",  # order timed out (500): says nothing about success or failure
        "51412",  # cancellation timed out
        "52912",  # convert: server timeout (500)
        "64007",  # WebSocket operation failed by an internal error
    }
)
_RE_SIGN = frozenset(
    {
        "50102",  # timestamp outside the window: helps after a queue, not while the clock is wrong
        "60006",  # the same for a WebSocket login
    }
)


def by_code(code: str) -> Retry:
    """For an OKX code or item code."""
    if code in _AFTER_WAIT:
        return Retry.AFTER_WAIT
    if code in _AFTER_RECONCILE:
        return Retry.AFTER_RECONCILE
    if code in _RE_SIGN:
        return Retry.RE_SIGN
    return Retry.NO


# The CDN in front of the exchange could not reach it or not agree on TLS with it: the request never arrived.
_NEVER_ARRIVED = frozenset({521, 522, 523, 525, 526, 530})


def by_status(status: int) -> Retry:
    """For an answer without an OKX code."""
    if status in (429, 503) or status in _NEVER_ARRIVED:
        return Retry.AFTER_WAIT
    if status == 408 or status >= 500:
        return Retry.AFTER_RECONCILE
    return Retry.NO
