"""REST handlers of taking money out by the API.

The API only pays to addresses and accounts that were put on a list on the website, and that list is empty here: a
request that is right in everything else ends with 58207. Money leaves by the exchange's operator (``backstage``).
"""

from __future__ import annotations

from decimal import Decimal

from .accounts import ZERO
from .decimals import parse
from .protocol import Refused, Reply, bad_parameter, empty_parameter, failure
from .rest import Call
from .rest_asset import currency_row
from .tickets import CLIENT_ID, text

INTERNAL, ON_CHAIN = "3", "4"


def _refused(code: str, message: str) -> Refused:
    return Refused(failure(200, code, message))


def withdraw(call: Call) -> Reply:
    """POST asset/withdrawal from the funding wallet, to another account (3) or on chain (4)."""
    values = [text(call.body.get(name)) for name in ("ccy", "amt", "dest", "toAddr")]
    for name, value in zip(("ccy", "amt", "dest", "toAddr"), values, strict=True):
        if not value:
            raise empty_parameter(name)
    ccy, _, dest, _ = values
    if dest not in (INTERNAL, ON_CHAIN):
        raise bad_parameter("dest")
    client_id = text(call.body.get("clientId"))
    if client_id and not CLIENT_ID.match(client_id):
        raise bad_parameter("clientId")
    if call.account.uid != call.account.main_uid:
        message = "Sub-accounts don't support withdrawals or deposits. Please use your main account instead"
        raise _refused("58209", message)
    if ccy not in call.venue.currencies - {"USD"}:
        raise _refused("51012", "Token doesn't exist.")
    amount, row = parse(call.body.get("amt")), currency_row(ccy)
    if amount is None or amount <= 0:
        raise bad_parameter("amt")
    if amount < Decimal(str(row["minInternal" if dest == INTERNAL else "minWd"])):
        raise _refused("58206", "Withdrawal amount is less than the lower limit.")
    if amount > Decimal(str(row["maxWd"])):
        raise _refused("58205", "Withdrawal amount exceeds the upper limit.")
    fee = ZERO if dest == INTERNAL else Decimal(str(row["minFee"]))
    if amount + fee > call.account.funding.get(ccy, ZERO):
        raise _refused("58350", "Insufficient balance.")
    message = (
        "Withdrawal address isn't on the verified address list. (The format for withdrawal addresses with a label is "
        '"address:label".)'
    )
    raise _refused("58207", message)


def cancel(call: Call) -> Reply:
    """POST asset/cancel-withdrawal: those that there are have left already."""
    number = text(call.body.get("wdId"))
    if not number:
        raise empty_parameter("wdId")
    if any(bill.bill_id == number and bill.kind == "2" for bill in call.account.funding_bills):
        raise _refused("58216", "Operation not allowed.")
    raise _refused("58215", "Withdrawal ID does not exist.")


TABLE = (
    ("POST", "/api/v5/asset/withdrawal", "private", "withdraw", withdraw),
    ("POST", "/api/v5/asset/cancel-withdrawal", "private", "trade", cancel),
)
