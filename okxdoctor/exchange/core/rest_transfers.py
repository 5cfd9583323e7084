"""REST handlers of transfers: between the wallets of an account, and between main and sub-accounts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .accounts import RECORDS, Account
from .decimals import parse, plain
from .funds import FUNDING, TRADING, Wallet, carry
from .paging import page_of_rows
from .protocol import Json, Refused, Reply, bad_parameter, empty_parameter, failure, ok
from .rest import Call
from .tickets import CLIENT_ID, text

TYPES = ("0", "1", "2", "3", "4")
"""0 within an account; main to sub (1), sub to main (2), both by the main account; sub to main (3), sub to sub (4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Whose wallets a transfer connects; ``name`` is the sub-account that the request has named."""

    source: Account
    target: Account
    name: str = ""


def sub_account(call: Call, name: str) -> Account:
    """The sub-account called ``name`` of the caller's main account; refuses with 58115."""
    main = call.account.main_uid
    for account in call.venue.accounts.values():
        if account.label and account.label == name and account.main_uid == main:
            return account
    raise Refused(failure(200, "58115", "Sub-account does not exist."))


def _may_send(account: Account) -> None:
    if not account.may_send:
        message = f"{account.label} Sub-account has no permission to transfer out, please set first."
        raise Refused(failure(200, "58119", message))


def _ends(call: Call, kind: str) -> Ends:
    """Who gives and who takes, by the type of the transfer and whose key asks."""
    account, name = call.account, text(call.body.get("subAcct"))
    if kind == "0":
        return Ends(source=account, target=account)
    is_main = account.uid == account.main_uid
    if is_main and kind in ("3", "4"):
        message = (
            "Main account API key does not support current transfer 'type' parameter. "
            "Please refer to the API documentation."
        )
        raise Refused(failure(200, "58127", message))
    if not is_main and kind in ("1", "2"):
        message = (
            "Sub-account API key does not support current transfer 'type' parameter. "
            "Please refer to the API documentation."
        )
        raise Refused(failure(200, "58128", message))
    if kind == "3":
        _may_send(account)
        return Ends(source=account, target=call.venue.accounts[account.main_uid])
    if not name:
        raise empty_parameter("subAcct")
    other = sub_account(call, name)
    if kind == "1":
        return Ends(source=account, target=other, name=name)
    if kind == "2":
        _may_send(other)
        return Ends(source=other, target=account, name=name)
    _may_send(account)
    return Ends(source=account, target=other, name=name)


def _amount(call: Call, source: Wallet, ccy: str) -> Decimal:
    amount = parse(call.body.get("amt"))
    if amount is None:
        raise bad_parameter("amt")
    if amount <= 0:
        raise Refused(failure(400, "58114", "Transfer amount must be greater than 0"))
    if source.held(ccy) <= 0:
        raise Refused(failure(200, "58008", "You do not have assets in this currency."))
    if amount > source.spare(call.venue, ccy, call.now_ms):
        raise Refused(failure(200, "58116", "Transfer exceeds the available amount."))
    return amount


def _wallets(call: Call) -> tuple[str, str]:
    source, target = text(call.body.get("from")), text(call.body.get("to"))
    for name, value in (("from", source), ("to", target)):
        if value not in (FUNDING, TRADING):
            raise Refused(failure(200, "58129", f"{name} is incorrect or {name} does not match with 'type'"))
    return source, target


def _needed(call: Call, *names: str) -> list[str]:
    values = [text(call.body.get(name)) for name in names]
    for name, value in zip(names, values, strict=True):
        if not value:
            raise empty_parameter(name)
    return values


def transfer(call: Call) -> Reply:
    """POST asset/transfer between the funding wallet (6) and the trading account (18), of one account or of two."""
    body, account = call.body, call.account
    ccy, _, _, _ = _needed(call, "ccy", "amt", "from", "to")
    kind, client_id = text(body.get("type")) or "0", text(body.get("clientId"))
    if kind not in TYPES:
        raise bad_parameter("type")
    if client_id and not CLIENT_ID.match(client_id):
        raise bad_parameter("clientId")
    source, target = _wallets(call)
    ends = _ends(call, kind)
    if ends.source is ends.target and source == target:
        raise Refused(failure(200, "58123", "The From parameter cannot be the same as the To parameter."))
    giver, taker = Wallet(account=ends.source, number=source), Wallet(account=ends.target, number=target)
    amount = _amount(call, giver, ccy)
    carry(call.venue, giver, taker, ccy, amount, now_ms=call.now_ms, client_id=client_id)
    row: dict[str, Json] = {
        "transId": call.venue.orders.next_id(), "ccy": ccy, "clientId": client_id, "from": source,
        "amt": plain(amount), "to": target,
    }  # fmt: skip
    _remember(account, {**row, "subAcct": ends.name, "type": kind, "ts": str(call.now_ms)})
    _note(call, ends.source, ends.target, ccy, amount)
    call.exchange.tell()
    return ok([row])


def _remember(account: Account, row: dict[str, Json]) -> None:
    account.transfers[str(row["transId"])] = row
    while len(account.transfers) > RECORDS:
        del account.transfers[next(iter(account.transfers))]


def _note(call: Call, source: Account, target: Account, ccy: str, amount: Decimal) -> None:
    """What passes between accounts stands in the main account's list."""
    if source is target:
        return
    sub = source if source.label else target
    main = call.venue.accounts[source.main_uid]
    main.between.append(
        {
            "amt": plain(amount), "billId": call.venue.orders.next_id(), "ccy": ccy, "subAcct": sub.label,
            "subUid": sub.uid, "ts": str(call.now_ms), "type": "1" if source.label else "0",
        }
    )  # fmt: skip


def transfer_state(call: Call) -> Reply:
    """GET asset/transfer-state by ``transId`` or ``clientId``; transfers are done at once."""
    number, client_id = call.params.get("transId", ""), call.params.get("clientId", "")
    kind = call.params.get("type", "")
    if not number and not client_id:
        raise empty_parameter("transId")
    if kind and kind not in TYPES:
        raise bad_parameter("type")
    names = ("amt", "ccy", "clientId", "from", "subAcct", "to", "transId", "type")
    rows: list[Json] = [
        {**{name: row[name] for name in names}, "instId": "", "state": "success", "toInstId": ""}
        for row in call.account.transfers.values()
        if (row["transId"] == number if number else row["clientId"] == client_id)
    ]
    return ok(rows)


def main_only(call: Call) -> Account:
    """The caller, if it is a main account; refuses with 59500."""
    if call.account.uid != call.account.main_uid:
        raise Refused(failure(200, "59500", "Only the API key of the main account has permission."))
    return call.account


def between_subs(call: Call) -> Reply:
    """POST asset/subaccount/transfer: from one sub-account to another, by the main account."""
    main_only(call)
    ccy, _, _, _, first, second = _needed(call, "ccy", "amt", "from", "to", "fromSubAccount", "toSubAccount")
    source, target = _wallets(call)
    giver, taker = sub_account(call, first), sub_account(call, second)
    if giver is taker:
        message = (
            "The two accounts involved in a transfer must be 2 different sub-accounts under the same main account."
        )
        raise Refused(failure(200, "59507", message))
    _may_send(giver)
    wallet = Wallet(account=giver, number=source)
    amount = _amount(call, wallet, ccy)
    carry(call.venue, wallet, Wallet(account=taker, number=target), ccy, amount, now_ms=call.now_ms)
    _note(call, giver, taker, ccy, amount)
    call.exchange.tell()
    return ok([{"transId": call.venue.orders.next_id()}])


def sub_bills(call: Call) -> Reply:
    """GET asset/subaccount/bills: what has passed between main and sub-accounts; type 0 to a sub, 1 from one."""
    kind = call.params.get("type", "")
    if kind and kind not in ("0", "1"):
        raise bad_parameter("type")
    ccy, name = call.params.get("ccy", ""), call.params.get("subAcct", "")
    found = (
        row for row in reversed(main_only(call).between)
        if kind in ("", row["type"]) and ccy in ("", row["ccy"]) and name in ("", row["subAcct"])
    )  # fmt: skip
    return ok(page_of_rows(call, found))


TABLE = (
    ("POST", "/api/v5/asset/transfer", "private", "trade", transfer),
    ("GET", "/api/v5/asset/transfer-state", "private", "read_only", transfer_state),
    ("POST", "/api/v5/asset/subaccount/transfer", "private", "trade", between_subs),
    ("GET", "/api/v5/asset/subaccount/bills", "private", "read_only", sub_bills),
)
