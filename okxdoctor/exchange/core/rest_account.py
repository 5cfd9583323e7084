"""REST handlers of the trading account."""

from __future__ import annotations

from decimal import Decimal

from .accounts import MAKER_FEE, SWAP_MAKER_FEE, SWAP_TAKER_FEE, TAKER_FEE, ZERO, Account, KeyRecord
from .clearing import opening_cost
from .decimals import EXACT, parse, plain
from .instruments import Instrument
from .margin import DELIVERED, DELIVERY_FEE, OPTION_FEES, free, lever
from .protocol import Json, Reply, bad_parameter, ok
from .rest import Call
from .rest_public import TYPES, instruments
from .statements import balance_row, position_rows
from .tickets import view_of

ONE = Decimal(1)


SETTLED_IN = ("USD", "USDC", "USDG")
"""What contracts margined in USD may be settled in (documented example)."""


def config(call: Call) -> Reply:
    """GET account/config: settings of the account and of the key that asks."""
    if call.key is None:
        raise LookupError("account/config is private")
    return ok([config_row(call.account, call.key)])


def config_row(account: Account, key: KeyRecord) -> Json:
    return {
        "acctLv": account.level, "acctStpMode": account.stp, "autoLoan": False,
        "ctIsoMode": account.isolated_mode["CONTRACTS"], "enableSpotBorrow": False, "feeType": "0",
        "greeksType": account.greeks, "ip": ",".join(key.addresses),
        "kycLv": account.kyc, "label": key.label, "level": "Lv1", "levelTmp": "", "liquidationGear": "-1",
        "mainUid": account.main_uid, "mgnIsoMode": account.isolated_mode["MARGIN"], "opAuth": "1",
        "perm": ",".join(key.permissions),
        "posMode": account.position_mode, "roleType": "0", "settleCcy": account.settle_ccy,
        "settleCcyList": [*SETTLED_IN], "spotBorrowAutoRepay": False, "spotOffsetType": "",
        "spotRoleType": "0", "spotTraderInsts": [], "stgyType": "0", "traderInsts": [],
        "type": "0" if account.uid == account.main_uid else "1",
        "uid": account.uid,
    }  # fmt: skip


def balance(call: Call) -> Reply:
    """GET account/balance: all currencies with a balance, or those of ``ccy`` (comma list)."""
    wanted = tuple(call.params.get("ccy", "").split(",")) if call.params.get("ccy") else ()
    if len(wanted) > 20:
        raise bad_parameter("ccy")
    return ok([balance_row(call.venue, call.account, call.now_ms, wanted)])


def positions(call: Call) -> Reply:
    """GET account/positions, by type or id."""
    inst_type, inst_id = call.params.get("instType", ""), call.params.get("instId", "")
    if inst_type and inst_type not in TYPES:
        raise bad_parameter("instType")
    wanted = inst_id.split(",") if inst_id else []
    return ok(
        [
            row
            for row in position_rows(call.venue, call.account, call.now_ms)
            if (not inst_type or row["instType"] == inst_type) and (not wanted or row["instId"] in wanted)
        ]
    )


def account_instruments(call: Call) -> Reply:
    """GET account/instruments: the list that this account may trade."""
    return instruments(call)


def trade_fee(call: Call) -> Reply:
    """GET account/trade-fee: regular rates, negative for a charge."""
    inst_type = call.need("instType")
    if inst_type not in TYPES:
        raise bad_parameter("instType")
    contract, option = inst_type not in ("SPOT", "MARGIN"), inst_type == "OPTION"
    maker, taker = (SWAP_MAKER_FEE, SWAP_TAKER_FEE) if contract else (MAKER_FEE, TAKER_FEE)
    if option:
        maker, taker = OPTION_FEES["M"], OPTION_FEES["T"]
    row: dict[str, Json] = {
        "category": "1", "delivery": plain(-DELIVERY_FEE) if inst_type == "FUTURES" else "",
        "exercise": plain(-OPTION_FEES[DELIVERED]) if option else "", "feeGroup": [], "fiat": [],
        "instType": inst_type, "level": "Lv1", "maker": plain(-maker), "makerU": plain(-maker) if contract else "",
        "makerUSDC": plain(-maker), "ruleType": "normal", "taker": plain(-taker),
        "takerU": plain(-taker) if contract else "", "takerUSDC": plain(-taker), "ts": str(call.now_ms),
    }  # fmt: skip
    return ok([row])


def max_size(call: Call) -> Reply:
    """GET account/max-size: what the free balance buys and sells (up to five instruments)."""
    mode, inst_ids = call.need("tdMode"), call.need("instId").split(",")
    if mode not in ("cash", "cross", "isolated"):
        raise bad_parameter("tdMode")
    if len(inst_ids) > 5:
        raise bad_parameter("instId")
    rows: list[Json] = []
    for inst_id in inst_ids:
        inst = call.venue.instrument(inst_id)
        buy, sell = _affordable(call, inst, mode)
        ccy = inst.listing.base if inst.type == "SPOT" else inst.listing.settle
        rows.append({"ccy": ccy, "instId": inst_id, "maxBuy": buy, "maxSell": sell})
    return ok(rows)


def _affordable(call: Call, listed: Instrument, mode: str) -> tuple[str, str]:
    inst = view_of(call.venue, call.account, listed, mode)
    lot = inst.lot
    if lot is None or not inst.trades:
        return "0", "0"
    price = parse(call.params.get("px")) or call.venue.price(inst, call.now_ms)
    if price <= 0:
        raise bad_parameter("px")
    if inst.type == "SPOT":
        quote, base = (_left(call, ccy) for ccy in (inst.listing.quote, inst.listing.base))
        sizes = [EXACT.divide(quote, price), base]
    else:
        left = _left(call, inst.listing.settle)
        sizes = [_opened(call, inst, mode, side, price, left) for side in ("buy", "sell")]
    buy, sell = (lot.text(lot.floor(size)) for size in sizes)
    return buy, sell


def _opened(call: Call, inst: Instrument, mode: str, side: str, price: Decimal, left: Decimal) -> Decimal:
    """The largest size that ``left`` opens."""
    lot, leverage = inst.lot, lever(call.account, inst, mode, "long" if side == "buy" else "short")
    if lot is None or (inst.type == "MARGIN" and not inst.listing.lever):
        return ZERO

    def need(size: Decimal) -> Decimal:
        return opening_cost(call.venue, inst, side, leverage, size, price, call.now_ms)

    one = need(Decimal(1))
    lots = lot.floor(EXACT.divide(left, one)) if one > 0 else 0
    # What is rounded up for each order may make a lot less.
    while lots > 0 and need(lot.decimal(lots)) > left:
        lots -= 1
    return lot.decimal(lots)


def _left(call: Call, ccy: str) -> Decimal:
    return max(ZERO, free(call.venue, call.account, ccy, call.now_ms))


def max_avail_size(call: Call) -> Reply:
    """GET account/max-avail-size: quote that can buy, base that can be sold."""
    mode, inst_id = call.need("tdMode"), call.need("instId")
    if mode not in ("cash", "cross", "isolated"):
        raise bad_parameter("tdMode")
    rows: list[Json] = []
    for each in inst_id.split(",")[:5]:
        inst = view_of(call.venue, call.account, call.venue.instrument(each), mode)
        names = (inst.listing.quote, inst.listing.base) if inst.type == "SPOT" else (inst.listing.settle,) * 2
        buy, sell = (_left(call, ccy) for ccy in names)
        if inst.type == "MARGIN":
            # On margin, what can be borrowed counts: quote currency to buy with, base currency to sell.
            buy *= Decimal(lever(call.account, inst, mode))
            price = call.venue.price(inst, call.now_ms) if inst.trades else ONE
            sell = EXACT.divide(buy, price).quantize(Decimal("1e-12"))
        rows.append({"availBuy": plain(buy), "availSell": plain(sell), "instId": each})
    return ok(rows)


TABLE = (
    ("GET", "/api/v5/account/config", "private", "read_only", config),
    ("GET", "/api/v5/account/balance", "private", "read_only", balance),
    ("GET", "/api/v5/account/positions", "private", "read_only", positions),
    ("GET", "/api/v5/account/instruments", "private", "read_only", account_instruments),
    ("GET", "/api/v5/account/trade-fee", "private", "read_only", trade_fee),
    ("GET", "/api/v5/account/max-size", "private", "read_only", max_size),
    ("GET", "/api/v5/account/max-avail-size", "private", "read_only", max_avail_size),
)
