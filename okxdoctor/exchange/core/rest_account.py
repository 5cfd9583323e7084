"""REST handlers of the trading account."""

from __future__ import annotations

from decimal import Decimal

from .accounts import MAKER_FEE, SWAP_MAKER_FEE, SWAP_TAKER_FEE, TAKER_FEE, ZERO, Account, Event, KeyRecord
from .clearing import set_lever
from .decimals import EXACT, parse, plain
from .instruments import Instrument
from .margin import free, lever, notional, opening_need
from .protocol import Json, Refused, Reply, bad_parameter, empty_parameter, failure, ok
from .rest import Call
from .rest_public import TYPES, instruments
from .statements import balance_row, position_rows
from .tickets import text


def config(call: Call) -> Reply:
    """GET account/config: settings of the account and of the key that asks."""
    if call.key is None:
        raise LookupError("account/config is private")
    return ok([config_row(call.account, call.key)])


def config_row(account: Account, key: KeyRecord) -> Json:
    return {
        "acctLv": account.level, "acctStpMode": "cancel_maker", "autoLoan": False, "ctIsoMode": "automatic",
        "enableSpotBorrow": False, "feeType": "0", "greeksType": "PA", "ip": ",".join(key.addresses),
        "kycLv": account.kyc, "label": key.label, "level": "Lv1", "levelTmp": "", "liquidationGear": "-1",
        "mainUid": account.main_uid, "mgnIsoMode": "automatic", "opAuth": "0", "perm": ",".join(key.permissions),
        "posMode": account.position_mode, "roleType": "0", "settleCcy": "USDT",
        "settleCcyList": ["USD", "USDC", "USDG"], "spotBorrowAutoRepay": False, "spotOffsetType": "",
        "spotRoleType": "0", "spotTraderInsts": [], "stgyType": "0", "traderInsts": [], "type": "0",
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
    contract = inst_type not in ("SPOT", "MARGIN")
    maker, taker = (SWAP_MAKER_FEE, SWAP_TAKER_FEE) if contract else (MAKER_FEE, TAKER_FEE)
    row: dict[str, Json] = {
        "category": "1", "delivery": "-0.0001" if inst_type == "FUTURES" else "",
        "exercise": "-0.0002" if inst_type == "OPTION" else "", "feeGroup": [], "fiat": [],
        "instType": inst_type, "level": "Lv1", "maker": plain(-maker), "makerU": plain(-maker) if contract else "",
        "makerUSDC": plain(-maker), "ruleType": "normal", "taker": plain(-taker),
        "takerU": plain(-taker) if contract else "", "takerUSDC": plain(-taker), "ts": str(call.now_ms),
    }  # fmt: skip
    return ok([row])


def leverage_info(call: Call) -> Reply:
    """GET account/leverage-info: for one or several instruments and a margin mode."""
    mode = call.need("mgnMode")
    if mode not in ("cross", "isolated"):
        raise bad_parameter("mgnMode")
    rows: list[Json] = []
    for inst_id in call.need("instId").split(",")[:20]:
        inst = call.venue.instrument(inst_id)
        sides = ["net"]
        if call.account.position_mode == "long_short_mode" and mode == "isolated" and inst.type in ("SWAP", "FUTURES"):
            sides = ["long", "short"]
        rows.extend(
            {
                "ccy": "", "instId": inst_id, "lever": lever(call.account, inst, mode), "mgnMode": mode,
                "posSide": side,
            }
            for side in sides
        )  # fmt: skip
    return ok(rows)


def set_leverage(call: Call) -> Reply:
    """POST account/set-leverage for an instrument."""
    mode, value = text(call.body.get("mgnMode")), text(call.body.get("lever"))
    inst_id = text(call.body.get("instId"))
    if not inst_id:
        raise empty_parameter("instId")
    inst = call.venue.instrument(inst_id)
    if mode not in ("cross", "isolated"):
        raise bad_parameter("mgnMode")
    wanted, most = parse(value), parse(inst.listing.lever)
    if wanted is None or wanted <= 0:
        raise bad_parameter("lever")
    if most is None or wanted > most:
        raise Refused(failure(200, "59102", "Leverage exceeds the maximum limit. Please lower the leverage."))
    waiting = (order for order in call.venue.orders.open(call.account.uid) if order.inst_id == inst.id)
    if any(order.mode == mode for order in waiting):
        which, code = ("isolated margin", "59101") if mode == "isolated" else ("cross-margin", "59107")
        message = f"Leverage can't be modified. Please cancel all pending {which} orders before adjusting the leverage."
        raise Refused(failure(200, code, message))
    if not set_lever(call.venue, call.account, inst, mode, plain(wanted), call.now_ms):
        message = "Account margin is insufficient and leverage is too low. Please increase the leverage."
        raise Refused(failure(200, "59103", message))
    call.account.tell(Event(channel="balance_and_position", event_type="set_leverage"))
    return ok([{"instId": inst.id, "lever": plain(wanted), "mgnMode": mode, "posSide": text(call.body.get("posSide"))}])


def set_position_mode(call: Call) -> Reply:
    """POST account/set-position-mode; refused while orders or positions are open."""
    mode = text(call.body.get("posMode"))
    if mode not in ("net_mode", "long_short_mode"):
        raise bad_parameter("posMode")
    busy = call.account.positions or any(o.inst_type != "SPOT" for o in call.venue.orders.open(call.account.uid))
    if mode != call.account.position_mode and busy:
        message = "Settings failed. Close any open positions or orders before modifying settings."
        raise Refused(failure(200, "59000", message))
    call.account.position_mode = mode
    return ok([{"posMode": mode}])


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


def _affordable(call: Call, inst: Instrument, mode: str) -> tuple[str, str]:
    if inst.lot is None or not inst.trades:
        return "0", "0"
    price = parse(call.params.get("px")) or call.venue.price(inst, call.now_ms)
    if inst.type == "SPOT":
        quote, base = (_left(call, ccy) for ccy in (inst.listing.quote, inst.listing.base))
        buy, sell = EXACT.divide(quote, price), base
    else:
        left = _left(call, inst.listing.settle)
        leverage = lever(call.account, inst, mode)
        lots = inst.lot.floor(EXACT.divide(left, opening_need(notional(inst, Decimal(1), price), leverage)))
        while lots > 0 and opening_need(notional(inst, inst.lot.decimal(lots), price), leverage) > left:
            lots -= 1
        buy = sell = inst.lot.decimal(lots)
    return inst.lot.text(inst.lot.floor(buy)), inst.lot.text(inst.lot.floor(sell))


def _left(call: Call, ccy: str) -> Decimal:
    return max(ZERO, free(call.venue, call.account, ccy, call.now_ms))


def max_avail_size(call: Call) -> Reply:
    """GET account/max-avail-size: quote that can buy, base that can be sold."""
    mode, inst_id = call.need("tdMode"), call.need("instId")
    if mode not in ("cash", "cross", "isolated"):
        raise bad_parameter("tdMode")
    rows: list[Json] = []
    for each in inst_id.split(",")[:5]:
        inst = call.venue.instrument(each)
        names = (inst.listing.quote, inst.listing.base) if inst.type == "SPOT" else (inst.listing.settle,) * 2
        buy, sell = (plain(_left(call, ccy)) for ccy in names)
        rows.append({"availBuy": buy, "availSell": sell, "instId": each})
    return ok(rows)


TABLE = (
    ("GET", "/api/v5/account/config", "private", "read_only", config),
    ("GET", "/api/v5/account/balance", "private", "read_only", balance),
    ("GET", "/api/v5/account/positions", "private", "read_only", positions),
    ("GET", "/api/v5/account/instruments", "private", "read_only", account_instruments),
    ("GET", "/api/v5/account/trade-fee", "private", "read_only", trade_fee),
    ("GET", "/api/v5/account/leverage-info", "private", "read_only", leverage_info),
    ("POST", "/api/v5/account/set-leverage", "private", "trade", set_leverage),
    ("POST", "/api/v5/account/set-position-mode", "private", "trade", set_position_mode),
    ("GET", "/api/v5/account/max-size", "private", "read_only", max_size),
    ("GET", "/api/v5/account/max-avail-size", "private", "read_only", max_avail_size),
)
