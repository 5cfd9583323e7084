"""Faults of the account: its settings and its money, as the owner has left them."""

from __future__ import annotations

from dataclasses import replace

from okxdoctor.exchange.core.account_world import AccountChange

from .model import Fault

_LEFT = "0.001"
"""What stays in the trading wallet of an account that cannot pay: a thousandth of each currency."""

FAULTS: tuple[Fault, ...] = (
    Fault(
        name="account-mode-forbids", example="account-mode-forbids", layer="account", cause="account.mode-forbids",
        occasion="state", says="the account is in spot mode (acctLv 1), and derivatives are wanted",
    ),
    Fault(
        name="account-position-mode", example="account-position-mode", layer="account", cause="account.position-mode",
        occasion="state", says="the account is in long_short_mode, and orders come without posSide",
    ),
    Fault(
        name="account-funds-elsewhere", example="account-funds-elsewhere", layer="account",
        cause="account.funds-elsewhere", occasion="state",
        says="all the money lies in the funding account, the trading account is empty",
    ),
    Fault(
        name="account-unverified", example="account-unverified", layer="account", cause="account.unverified",
        occasion="state", says="the identity of the account is not verified (kycLv 0)",
    ),
    Fault(
        name="order-insufficient-funds", example="order-insufficient-funds", layer="account",
        cause="order.insufficient-funds", occasion="state",
        says="the trading account has a thousandth of its money left, the rest was withdrawn",
    ),
    Fault(
        name="order-state-diverges", example="order-state-diverges", layer="ws", cause="order.state-diverges",
        says="the orders channel does not tell that an order was canceled (seen with --demo-orders)",
    ),
)  # fmt: skip


def changed(account: AccountChange, name: str) -> AccountChange:
    """The account with this fault on, too."""
    match name:
        case "account-mode-forbids":
            return replace(account, level="1")
        case "account-position-mode":
            return replace(account, position_mode="long_short_mode")
        case "account-funds-elsewhere":
            return replace(account, share="0", rest="funding")
        case "account-unverified":
            return replace(account, kyc="0")
        case "order-insufficient-funds":
            return replace(account, share=_LEFT, rest="away")
        case _:
            return account
