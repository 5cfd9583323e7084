"""REST handlers of sub-accounts: the list of them, their keys and their balances. The main account's key asks."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_network

from . import seeded
from .accounts import ZERO, Account, KeyRecord
from .decimals import plain
from .funds import TRADING, Wallet
from .paging import page
from .protocol import Json, Refused, Reply, bad_parameter, empty_parameter, failure, ok
from .rest import Call
from .rest_transfers import main_only
from .statements import balance_row
from .tickets import text

ADDRESSES = 20
KEYS = 50
_LABEL = re.compile(r"[A-Za-z0-9]{1,50}\Z", re.ASCII)
_PASSPHRASE = re.compile(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])(?=.*[^A-Za-z0-9]).{8,32}\Z", re.ASCII)
_WORDS = {"read_only": "read_only", "read": "read_only", "trade": "trade"}


def _sub(call: Call, name: str) -> Account:
    """The sub-account called ``name``; refuses with 59510."""
    main = main_only(call)
    if not name:
        raise empty_parameter("subAcct")
    for account in call.venue.accounts.values():
        if account.label == name and account.main_uid == main.uid:
            return account
    raise Refused(failure(200, "59510", "Sub-account does not exist"))


def subaccounts(call: Call) -> Reply:
    """GET users/subaccount/list, newest first."""
    main = main_only(call)
    name, enabled = call.params.get("subAcct", ""), call.params.get("enable", "")
    if enabled not in ("", "true", "false"):
        raise bad_parameter("enable")
    found = [
        each for each in call.venue.accounts.values()
        if each.label and each.main_uid == main.uid and name in ("", each.label) and enabled != "false"
    ]  # fmt: skip
    return ok(page(call, reversed(found), _row, cursor=lambda each: each.opened_ms))


def _row(account: Account) -> Json:
    return {
        "canTransOut": account.may_send, "enable": True, "firstLvSubAcct": account.label, "frozenFunc": [],
        "gAuth": False, "ifDma": False, "label": account.label, "mobile": "", "subAcct": account.label,
        "subAcctLv": "1", "ts": str(account.opened_ms), "type": "1", "uid": account.uid,
    }  # fmt: skip


def set_transfer_out(call: Call) -> Reply:
    """POST users/subaccount/set-transfer-out for one or several sub-accounts."""
    names = text(call.body.get("subAcct"))
    if not names:
        raise empty_parameter("subAcct")
    allowed = text(call.body.get("canTransOut")).lower() != "false"
    rows: list[Json] = []
    for account in [_sub(call, name) for name in names.split(",")[:50]]:
        account.may_send = allowed
        rows.append({"canTransOut": allowed, "subAcct": account.label})
    return ok(rows)


def _keys(call: Call, account: Account) -> list[KeyRecord]:
    return [each for each in call.exchange.sites[call.venue.site].keys.values() if each.uid == account.uid]


def _key_row(account: Account, record: KeyRecord) -> dict[str, Json]:
    return {
        "apiKey": record.key, "ip": ",".join(record.addresses), "label": record.label,
        "perm": ",".join(record.permissions), "subAcct": account.label, "ts": str(record.created_ms),
    }  # fmt: skip


def keys(call: Call) -> Reply:
    """GET users/subaccount/apikey: the keys of a sub-account, or one of them."""
    account, wanted = _sub(call, call.params.get("subAcct", "")), call.params.get("apiKey", "")
    return ok([_key_row(account, each) for each in _keys(call, account) if wanted in ("", each.key)])


def _settings(call: Call) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Permissions and addresses as a request names them."""
    words = [word.strip() for word in (text(call.body.get("perm")) or "read_only").split(",")]
    if not set(words) <= set(_WORDS):
        raise bad_parameter("perm")
    given = text(call.body.get("ip"))
    addresses = tuple(entry.strip() for entry in given.split(",")) if given else ()
    if len(addresses) > ADDRESSES:
        raise Refused(failure(200, "59503", "Each API key can bind up to 20 IP addresses"))
    for entry in addresses:
        try:
            ip_network(entry, strict=False)
        except ValueError:
            raise bad_parameter("ip") from None
    return tuple(dict.fromkeys(("read_only", *(_WORDS[word] for word in words)))), addresses


def create_key(call: Call) -> Reply:
    """POST users/subaccount/apikey: a new key, secret included; it can be used at once."""
    account, label = _sub(call, text(call.body.get("subAcct"))), text(call.body.get("label"))
    passphrase = text(call.body.get("passphrase"))
    for name, value in (("label", label), ("passphrase", passphrase)):
        if not value:
            raise empty_parameter(name)
    if not _LABEL.match(label):
        raise bad_parameter("label")
    if not _PASSPHRASE.match(passphrase):
        raise Refused(failure(200, "59505", "The passphrase format is incorrect."))
    permissions, addresses = _settings(call)
    present = _keys(call, account)
    if len(present) >= KEYS:
        raise Refused(failure(200, "59501", "Each account can create up to 50 API keys"))
    if any(each.label == label for each in present):
        message = "This note name already exists. Enter a unique API key note name"
        raise Refused(failure(200, "59502", message))
    number = call.venue.orders.next_id()
    record = KeyRecord(
        key=seeded.uuid(call.exchange.seed, account.uid, number), uid=account.uid, passphrase=passphrase,
        secret=seeded.secret_key(call.exchange.seed, account.uid, number), environment=call.venue.environment,
        permissions=permissions, addresses=addresses, label=label, created_ms=call.now_ms,
    )  # fmt: skip
    call.exchange.sites[call.venue.site].add_key(record)
    row = _key_row(account, record)
    return ok([{**row, "passphrase": passphrase, "secretKey": record.secret}])


def _one(call: Call) -> tuple[Account, KeyRecord]:
    account, wanted = _sub(call, text(call.body.get("subAcct"))), text(call.body.get("apiKey"))
    if not wanted:
        raise empty_parameter("apiKey")
    for each in _keys(call, account):
        if each.key == wanted:
            return account, each
    raise Refused(failure(200, "59506", "API key doesn't exist."))


def modify_key(call: Call) -> Reply:
    """POST users/subaccount/modify-apikey: label, permissions, addresses."""
    account, record = _one(call)
    permissions, addresses = _settings(call)
    label = text(call.body.get("label")) or record.label
    if not _LABEL.match(label):
        raise bad_parameter("label")
    changed = replace(
        record, label=label, permissions=permissions if call.body.get("perm") else record.permissions,
        addresses=addresses if "ip" in call.body else record.addresses,
    )  # fmt: skip
    call.exchange.sites[call.venue.site].add_key(changed)
    return ok([_key_row(account, changed)])


def delete_key(call: Call) -> Reply:
    """POST users/subaccount/delete-apikey."""
    account, record = _one(call)
    call.exchange.sites[call.venue.site].drop_key(record.key)
    return ok([{"subAcct": account.label}])


def trading_balances(call: Call) -> Reply:
    """GET account/subaccount/balances: the trading account of a sub-account."""
    return ok([balance_row(call.venue, _sub(call, call.params.get("subAcct", "")), call.now_ms)])


def funding_balances(call: Call) -> Reply:
    """GET asset/subaccount/balances: the funding wallet of a sub-account."""
    account, wanted = _sub(call, call.params.get("subAcct", "")), call.params.get("ccy", "")
    return ok(
        [
            {"availBal": plain(amount), "bal": plain(amount), "ccy": ccy, "frozenBal": "0"}
            for ccy, amount in sorted(account.funding.items())
            if not wanted or ccy in wanted.split(",")
        ]
    )


def max_withdrawal(call: Call) -> Reply:
    """GET account/subaccount/max-withdrawal: what may leave the trading account of a sub-account."""
    account, wanted = _sub(call, call.params.get("subAcct", "")), call.params.get("ccy", "")
    wallet = Wallet(account=account, number=TRADING)
    rows: list[Json] = []
    for ccy in sorted(account.balances):
        if not wanted or ccy in wanted.split(","):
            most = plain(max(ZERO, wallet.spare(call.venue, ccy, call.now_ms)))
            rows.append(
                {
                    "ccy": ccy, "maxWd": most, "maxWdEx": most, "spotOffsetMaxWd": "0", "spotOffsetMaxWdEx": "0",
                }
            )  # fmt: skip
    return ok(rows)


TABLE = (
    ("GET", "/api/v5/users/subaccount/list", "private", "read_only", subaccounts),
    ("POST", "/api/v5/users/subaccount/set-transfer-out", "private", "trade", set_transfer_out),
    ("GET", "/api/v5/users/subaccount/apikey", "private", "read_only", keys),
    ("POST", "/api/v5/users/subaccount/apikey", "private", "trade", create_key),
    ("POST", "/api/v5/users/subaccount/modify-apikey", "private", "trade", modify_key),
    ("POST", "/api/v5/users/subaccount/delete-apikey", "private", "trade", delete_key),
    ("GET", "/api/v5/account/subaccount/balances", "private", "read_only", trading_balances),
    ("GET", "/api/v5/asset/subaccount/balances", "private", "read_only", funding_balances),
    ("GET", "/api/v5/account/subaccount/max-withdrawal", "private", "read_only", max_withdrawal),
)
