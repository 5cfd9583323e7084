"""REST handlers of an account's settings: leverage, position mode, account mode, isolated margin, greeks."""

from __future__ import annotations

from .accounts import ZERO, Account, Event
from .clearing import set_lever
from .decimals import parse, plain
from .instruments import Instrument
from .margin import free, isolated_risk, lever, standing, two_sided
from .protocol import Json, Refused, Reply, bad_parameter, empty_parameter, failure, ok
from .rest import Call
from .rest_account import SETTLED_IN
from .tickets import text


def _needed(call: Call, name: str, choices: tuple[str, ...] = ()) -> str:
    """A field of the body that must be there (50014) and be one of ``choices``, if there are any (51000)."""
    value = text(call.body.get(name))
    if not value:
        raise empty_parameter(name)
    if choices and value not in choices:
        raise bad_parameter(name)
    return value


def _view(call: Call, inst: Instrument) -> Instrument:
    """Leverage of a spot instrument is that of trading it on margin."""
    return call.venue.margin(inst) if inst.type == "SPOT" else inst


def leverage_info(call: Call) -> Reply:
    """GET account/leverage-info: for one or several instruments and a margin mode."""
    mode = call.need("mgnMode")
    if mode not in ("cross", "isolated"):
        raise bad_parameter("mgnMode")
    rows: list[Json] = []
    for inst_id in call.need("instId").split(",")[:20]:
        inst = call.venue.instrument(inst_id)
        sides = ("long", "short") if two_sided(call.account, inst) else ("net",)
        rows.extend(
            {
                "ccy": "", "instId": inst_id, "lever": lever(call.account, inst, mode, side),
                "mgnMode": mode, "posSide": side,
            }
            for side in sides
        )  # fmt: skip
    return ok(rows)


def set_leverage(call: Call) -> Reply:
    """POST account/set-leverage for an instrument; on isolated margin in long/short mode, for one side."""
    mode, value = text(call.body.get("mgnMode")), text(call.body.get("lever"))
    side = text(call.body.get("posSide"))
    inst_id = text(call.body.get("instId"))
    if not inst_id:
        raise empty_parameter("instId")
    inst = call.venue.instrument(inst_id)
    if mode not in ("cross", "isolated"):
        raise bad_parameter("mgnMode")
    if mode == "isolated" and two_sided(call.account, inst) and side not in ("long", "short"):
        raise bad_parameter("posSide")
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
    if any((algo.inst_id, algo.mode) == (inst.id, mode) for algo in call.venue.algos.of(call.account.uid)):
        which, code = ("isolated", "59668") if mode == "isolated" else ("cross", "59669")
        message = (
            f"Cancel {which}-margin TP/SL, trailing, trigger, and chase orders or stop bots before adjusting your "
            "leverage."
        )
        raise Refused(failure(200, code, message))
    if not set_lever(call.venue, call.account, _view(call, inst), mode, plain(wanted), call.now_ms, side):
        message = "Account margin is insufficient and leverage is too low. Please increase the leverage."
        raise Refused(failure(200, "59103", message))
    call.account.tell(Event(channel="balance_and_position", event_type="set_leverage"))
    return ok([{"instId": inst.id, "lever": plain(wanted), "mgnMode": mode, "posSide": side}])


def set_position_mode(call: Call) -> Reply:
    """POST account/set-position-mode; refused while orders or positions are open."""
    mode = text(call.body.get("posMode"))
    if mode not in ("net_mode", "long_short_mode"):
        raise bad_parameter("posMode")
    types = [order.inst_type for order in call.venue.orders.open(call.account.uid)]
    types += [algo.inst_type for algo in call.venue.algos.of(call.account.uid)]
    busy = call.account.positions or any(kind != "SPOT" for kind in types)
    if mode != call.account.position_mode and busy:
        message = "Settings failed. Close any open positions or orders before modifying settings."
        raise Refused(failure(200, "59000", message))
    call.account.position_mode = mode
    return ok([{"posMode": mode}])


def _busy(call: Call) -> bool:
    waiting = call.venue.orders.total(call.account.uid) or call.venue.algos.of(call.account.uid)
    return bool(call.account.positions) or bool(waiting)


def set_account_level(call: Call) -> Reply:
    """POST account/set-account-level: 1 spot, 2 futures, 3 several currencies; 4 wants more than this account has."""
    level = _needed(call, "acctLv", ("1", "2", "3", "4"))
    if level == "4":
        message = (
            "You do not meet the requirements for switching to this account mode. "
            "Please upgrade the account mode on the OKX website or App"
        )
        raise Refused(failure(200, "51070", message))
    if level != call.account.level and _busy(call):
        message = (
            "Unable to switch. Please close or cancel all open orders and refer to the pre-check endpoint to stop any "
            "incompatible bots."
        )
        raise Refused(failure(200, "59132", message))
    call.account.level = level
    return ok([{"acctLv": level}])


def switch_precheck(call: Call) -> Reply:
    """GET account/set-account-switch-precheck: 0 nothing stands against it, 1 orders or positions do."""
    level = call.need("acctLv")
    if level not in ("1", "2", "3", "4"):
        raise bad_parameter("acctLv")
    row: dict[str, Json] = {
        "acctLv": level, "curAcctLv": call.account.level, "mgnAft": None, "mgnBf": None, "posList": [],
        "posTierCheck": [], "riskOffsetType": "", "sCode": "1" if _busy(call) else "0", "unmatchedInfoCheck": [],
    }  # fmt: skip
    return ok([row])


def set_isolated_mode(call: Call) -> Reply:
    """POST account/set-isolated-mode: margin of isolated positions comes by itself, the only way that is left."""
    mode, kind = _needed(call, "isoMode", ("automatic",)), _needed(call, "type", ("MARGIN", "CONTRACTS"))
    if any(position.mode == "isolated" for position in call.account.positions.values()):
        message = "Settings failed. Close any open positions or orders before modifying settings."
        raise Refused(failure(200, "59000", message))
    call.account.isolated_mode[kind] = mode
    return ok([{"isoMode": mode}])


def set_greeks(call: Call) -> Reply:
    """POST account/set-greeks: in the coin (PA) or by the model (BS)."""
    call.account.greeks = _needed(call, "greeksType", ("PA", "BS"))
    return ok([{"greeksType": call.account.greeks}])


def set_margin(call: Call) -> Reply:
    """POST account/position/margin-balance: put margin to an isolated position or take of it what it can spare."""
    inst = call.venue.instrument(_needed(call, "instId"))
    side, kind = _needed(call, "posSide", ("long", "short", "net")), _needed(call, "type", ("add", "reduce"))
    amount = parse(_needed(call, "amt"))
    if amount is None or amount <= 0:
        raise bad_parameter("amt")
    position = call.account.positions.get((inst.id, side, "isolated"))
    each = None if position is None else standing(call.venue, position, call.now_ms)
    if position is None or each is None:
        raise Refused(failure(200, "59300", "Margin call failed. Position does not exist."))
    ccy = each.inst.listing.settle
    if kind == "add":
        if amount > free(call.venue, call.account, ccy, call.now_ms):
            raise Refused(failure(200, "59301", "Margin adjustment failed for exceeding the max limit."))
        signed = amount
    else:
        spare = min(position.added, isolated_risk(each).equity - each.initial)
        if amount > max(ZERO, spare):
            raise Refused(failure(200, "59301", "Margin adjustment failed for exceeding the max limit."))
        signed = -amount
    position.added += signed
    position.margin += signed
    call.account.balance(ccy).margin += signed
    position.updated_ms = call.now_ms
    _told(call.account, each.inst)
    row: dict[str, Json] = {
        "amt": plain(amount), "ccy": ccy, "instId": inst.id, "leverage": position.lever, "posSide": side, "type": kind,
    }  # fmt: skip
    return ok([row])


def _told(account: Account, inst: Instrument) -> None:
    account.tell(Event(channel="balance_and_position", event_type="adjust_margin"))
    account.tell(Event(channel="account"))
    account.tell(Event(channel="positions", inst_type=inst.type, inst_id=inst.id))


def set_settle_currency(call: Call) -> Reply:
    """POST account/set-settle-currency: of contracts margined in USD."""
    ccy = call.account.settle_ccy = _needed(call, "settleCcy", SETTLED_IN)
    return ok([{"settleCcy": ccy}])


def activate_option(call: Call) -> Reply:
    """POST account/activate-option: it is."""
    message = "You've already activated options trading. Please don't activate it again."
    raise Refused(failure(200, "50050", message))


TABLE = (
    ("GET", "/api/v5/account/leverage-info", "private", "read_only", leverage_info),
    ("POST", "/api/v5/account/set-leverage", "private", "trade", set_leverage),
    ("POST", "/api/v5/account/set-position-mode", "private", "trade", set_position_mode),
    ("POST", "/api/v5/account/set-account-level", "private", "trade", set_account_level),
    ("GET", "/api/v5/account/set-account-switch-precheck", "private", "read_only", switch_precheck),
    ("POST", "/api/v5/account/set-isolated-mode", "private", "trade", set_isolated_mode),
    ("POST", "/api/v5/account/set-greeks", "private", "trade", set_greeks),
    ("POST", "/api/v5/account/position/margin-balance", "private", "trade", set_margin),
    ("POST", "/api/v5/account/activate-option", "private", "trade", activate_option),
    ("POST", "/api/v5/account/set-settle-currency", "private", "trade", set_settle_currency),
)
