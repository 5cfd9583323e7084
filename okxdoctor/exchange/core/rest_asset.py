"""REST handlers of the funding wallet: currencies, balances, transfers to and from the trading account."""

from __future__ import annotations

from decimal import Decimal

from .accounts import ZERO, Account
from .clearing import move
from .decimals import parse, plain
from .margin import free
from .protocol import Json, Refused, Reply, bad_parameter, empty_parameter, failure, ok
from .rest import Call
from .tickets import CLIENT_ID, text

FUNDING, TRADING = "6", "18"
"""The numbers of the wallets."""

TRANSFER_TYPES = ("0", "1", "2", "3", "4")
"""0 is within the account; the others go to or come from a sub-account."""

KEPT_TRANSFERS = 1_000
"""Transfers whose state can be asked for."""


def currencies(call: Call) -> Reply:
    """GET asset/currencies; ``wdTickSz`` is a number of decimals."""
    wanted = call.params.get("ccy", "")
    names = {inst.listing.base for inst in call.venue.of_type("SPOT")} | {"USDT", "USDC"}
    return ok([currency_row(ccy) for ccy in sorted(names) if ccy and (not wanted or ccy in wanted.split(","))])


def currency_row(ccy: str) -> Json:
    chain = {"BTC": "Bitcoin", "USDT": "TRC20", "USDC": "ERC20"}.get(ccy, ccy.capitalize())
    return {
        "burningFeeRate": "", "canDep": True, "canInternal": True, "canWd": True, "ccy": ccy,
        "chain": f"{ccy}-{chain}", "ctAddr": "", "depEstOpenTime": "", "depQuotaFixed": "",
        "depQuoteDailyLayer2": "", "fee": "0.0001", "logoLink": "", "mainNet": True, "maxFee": "0.0001",
        "maxFeeForCtAddr": "", "maxWd": "500000", "minDep": "0.0005", "minDepArrivalConfirm": "1",
        "minFee": "0.0001", "minFeeForCtAddr": "", "minInternal": "0.0001", "minWd": "0.001",
        "minWdUnlockConfirm": "2", "name": ccy, "needTag": False, "stablecoinDailyQuota": 0, "usedDepQuotaFixed": "",
        "usedWdQuota": "0", "wdEstOpenTime": "", "wdQuota": "10000000", "wdTickSz": "8",
    }  # fmt: skip


def funding_balances(call: Call) -> Reply:
    """GET asset/balances: the funding wallet."""
    wanted = call.params.get("ccy", "")
    return ok(
        [
            {"availBal": plain(amount), "bal": plain(amount), "ccy": ccy, "frozenBal": "0"}
            for ccy, amount in sorted(call.account.funding.items())
            if not wanted or ccy in wanted.split(",")
        ]
    )


def _free(call: Call, account: Account, ccy: str) -> Decimal:
    """What may leave the trading account: not what is bound, and not what open positions have won or lost."""
    held = account.balances.get(ccy)
    return ZERO if held is None else min(held.available, free(call.venue, account, ccy, call.now_ms))


def transfer(call: Call) -> Reply:
    """POST asset/transfer between the funding wallet (6) and the trading account (18)."""
    body, account = call.body, call.account
    ccy, source, target = text(body.get("ccy")), text(body.get("from")), text(body.get("to"))
    for name, value in (("ccy", ccy), ("amt", text(body.get("amt"))), ("from", source), ("to", target)):
        if not value:
            raise empty_parameter(name)
    kind, client_id = text(body.get("type")) or "0", text(body.get("clientId"))
    if kind not in TRANSFER_TYPES:
        raise bad_parameter("type")
    if client_id and not CLIENT_ID.match(client_id):
        raise bad_parameter("clientId")
    for name, value in (("from", source), ("to", target)):
        if value not in (FUNDING, TRADING):
            raise Refused(failure(200, "58129", f"{name} is incorrect or {name} does not match with 'type'"))
    if kind != "0":
        raise Refused(failure(200, "58115", "Sub-account does not exist."))
    if source == target:
        raise Refused(failure(200, "58123", "The From parameter cannot be the same as the To parameter."))
    amount = parse(body.get("amt"))
    if amount is None:
        raise bad_parameter("amt")
    if amount <= 0:
        raise Refused(failure(400, "58114", "Transfer amount must be greater than 0"))
    if source == FUNDING:
        held, free = account.funding.get(ccy, ZERO), account.funding.get(ccy, ZERO)
    else:
        balance = account.balances.get(ccy)
        held, free = (ZERO if balance is None else balance.cash), _free(call, account, ccy)
    if held <= 0:
        raise Refused(failure(200, "58008", "You do not have assets in this currency."))
    if amount > free:
        raise Refused(failure(200, "58116", "Transfer exceeds the available amount."))
    move(
        call.venue, account, ccy, amount, to_trading=target == TRADING, now_ms=call.now_ms, client_id=client_id
    )  # fmt: skip
    row: dict[str, Json] = {
        "transId": call.venue.orders.next_id(), "ccy": ccy, "clientId": client_id, "from": source,
        "amt": plain(amount), "to": target,
    }  # fmt: skip
    account.transfers[str(row["transId"])] = row
    while len(account.transfers) > KEPT_TRANSFERS:
        del account.transfers[next(iter(account.transfers))]
    call.exchange.tell()
    return ok([row])


def transfer_state(call: Call) -> Reply:
    """GET asset/transfer-state by ``transId`` or ``clientId``; transfers within an account are done at once."""
    number, client_id = call.params.get("transId", ""), call.params.get("clientId", "")
    if not number and not client_id:
        raise empty_parameter("transId")
    rows: list[Json] = [
        {**row, "instId": "", "state": "success", "subAcct": "", "toInstId": "", "type": "0"}
        for row in call.account.transfers.values()
        if (row["transId"] == number if number else row["clientId"] == client_id)
    ]
    return ok(rows)


TABLE = (
    ("GET", "/api/v5/asset/currencies", "private", "read_only", currencies),
    ("GET", "/api/v5/asset/balances", "private", "read_only", funding_balances),
    ("POST", "/api/v5/asset/transfer", "private", "trade", transfer),
    ("GET", "/api/v5/asset/transfer-state", "private", "read_only", transfer_state),
)
