"""REST handlers of the funding wallet: currencies, balances, deposits and withdrawals, what everything is worth."""

from __future__ import annotations

from decimal import Decimal

from . import seeded
from .accounts import ZERO
from .bills import FundingBill
from .decimals import EXACT, plain
from .funds import FUNDING
from .paging import page
from .protocol import Json, Refused, Reply, bad_parameter, failure, ok
from .rest import Call
from .savings import reckon
from .statements import balance_row

FIAT = ("USD", "USDT", "USDC")
ONE = Decimal(1)
FINE = Decimal("1e-12")


def currencies(call: Call) -> Reply:
    """GET asset/currencies; ``wdTickSz`` is a number of decimals."""
    wanted = call.params.get("ccy", "")
    names = {inst.listing.base for inst in call.venue.of_type("SPOT")} | {"USDT", "USDC"}
    return ok([currency_row(ccy) for ccy in sorted(names) if ccy and (not wanted or ccy in wanted.split(","))])


def currency_row(ccy: str) -> dict[str, Json]:
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


def deposit_address(call: Call) -> Reply:
    """GET asset/deposit-address: one address a chain, made up, leading into the funding wallet."""
    ccy = call.need("ccy")
    if ccy not in call.venue.currencies - {"USD"}:
        raise Refused(failure(200, "51012", "Token doesn't exist."))
    row = currency_row(ccy)
    address = f"0x{seeded.digest(call.exchange.seed, 'deposit', call.account.uid, ccy).hex()[:40]}"
    return ok(
        [
            {
                "addr": address, "ccy": ccy, "chain": row["chain"], "ctAddr": "", "selected": True, "to": FUNDING,
                "verifiedName": "",
            }
        ]
    )  # fmt: skip


def _moves(call: Call, kind: str) -> list[Json]:
    """What was paid in (1) or out (2), as the exchange's operator did it."""
    ccy = call.params.get("ccy", "")
    found = (bill for bill in reversed(call.account.funding_bills) if bill.kind == kind and ccy in ("", bill.ccy))
    return page(call, found, lambda bill: _move(call, bill), cursor=lambda bill: bill.ts)


def _move(call: Call, bill: FundingBill) -> Json:
    common: dict[str, Json] = {
        "amt": plain(abs(bill.change)), "ccy": bill.ccy, "chain": currency_row(bill.ccy)["chain"], "state": "2",
        "ts": str(bill.ts), "txId": seeded.digest(call.exchange.seed, "tx", bill.bill_id).hex(),
    }  # fmt: skip
    if bill.change > 0:
        return {
            **common, "actualDepBlkConfirm": "2", "areaCodeFrom": "", "depId": bill.bill_id, "from": "",
            "fromWdId": "", "to": "",
        }  # fmt: skip
    return {
        **common, "addrEx": None, "areaCodeFrom": "", "areaCodeTo": "", "clientId": "", "fee": "0",
        "feeCcy": bill.ccy, "from": "", "memo": "", "nonTradableAsset": False, "note": "", "to": "", "toAddrType": "1",
        "wdId": bill.bill_id,
    }  # fmt: skip


def deposits(call: Call) -> Reply:
    """GET asset/deposit-history."""
    return ok(_moves(call, "1"))


def withdrawals(call: Call) -> Reply:
    """GET asset/withdrawal-history."""
    return ok(_moves(call, "2"))


def non_tradable(call: Call) -> Reply:
    """GET asset/non-tradable-assets: there are none."""
    del call
    return ok([])


def valuation(call: Call) -> Reply:
    """GET asset/asset-valuation in ``ccy``, BTC unless told."""
    ccy = call.params.get("ccy", "BTC")
    unit = ONE if ccy in FIAT else call.venue.usd(ccy, call.now_ms)
    if not unit:
        raise bad_parameter("ccy")
    rates = ((amount, call.venue.usd(each, call.now_ms)) for each, amount in call.account.funding.items())
    funding = sum((EXACT.multiply(amount, rate) for amount, rate in rates), ZERO)
    trading = Decimal(str(balance_row(call.venue, call.account, call.now_ms)["totalEq"]))
    reckon(call.venue, call.account, call.now_ms)
    lent = ((saving.amount, call.venue.usd(each, call.now_ms)) for each, saving in call.account.savings.items())
    earn = sum((EXACT.multiply(amount, rate) for amount, rate in lent), ZERO)
    total = funding + trading + earn
    parts = [plain(EXACT.divide(part, unit).quantize(FINE)) for part in (funding, trading, earn, total)]
    details: dict[str, Json] = {"classic": "0", "earn": parts[2], "funding": parts[0], "trading": parts[1]}
    return ok([{"details": details, "totalBal": parts[3], "ts": str(call.now_ms)}])


def exchanges(call: Call) -> Reply:
    """GET asset/exchange-list: other exchanges that withdrawals may go to (made-up names)."""
    del call
    return ok([{"exchId": f"exch-{k}", "exchName": f"Exchange {k}"} for k in (1, 2)])


TABLE = (
    ("GET", "/api/v5/asset/currencies", "private", "read_only", currencies),
    ("GET", "/api/v5/asset/balances", "private", "read_only", funding_balances),
    ("GET", "/api/v5/asset/deposit-address", "private", "read_only", deposit_address),
    ("GET", "/api/v5/asset/deposit-history", "private", "read_only", deposits),
    ("GET", "/api/v5/asset/withdrawal-history", "private", "read_only", withdrawals),
    ("GET", "/api/v5/asset/non-tradable-assets", "private", "read_only", non_tradable),
    ("GET", "/api/v5/asset/asset-valuation", "private", "read_only", valuation),
    ("GET", "/api/v5/asset/exchange-list", "public", "", exchanges),
)
