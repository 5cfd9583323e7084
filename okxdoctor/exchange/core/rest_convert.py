"""REST handlers of converting one currency into another, within the trading account."""

from __future__ import annotations

from decimal import Decimal

from .accounts import Event
from .bills import CONVERT, CONVERTED_IN, CONVERTED_OUT, credit
from .converting import STEP, TTL_MS, Quote, bounds, conversions, pair, price_of, quote_row
from .decimals import parse, plain
from .instruments import Instrument
from .margin import free
from .paging import page_of_rows
from .protocol import Json, Refused, Reply, bad_parameter, empty_parameter, failure, ok, refusal
from .rest import Call
from .tickets import CLIENT_ID, text


def _refused(code: str, message: str) -> Refused:
    return Refused(failure(200, code, message))


def currencies(call: Call) -> Reply:
    """GET asset/convert/currencies; ``min`` and ``max`` are deprecated, and empty."""
    found = {
        ccy for inst in call.venue.of_type("SPOT") if inst.trades and inst.state == "live"
        for ccy in (inst.listing.base, inst.listing.quote)
    }  # fmt: skip
    return ok([{"ccy": ccy, "max": "", "min": ""} for ccy in sorted(found)])


def currency_pair(call: Call) -> Reply:
    """GET asset/convert/currency-pair: the market of two currencies, and how much may be converted in it."""
    source, target = call.need("fromCcy"), call.need("toCcy")
    inst = pair(call.venue, source, target)
    if inst is None:
        raise _refused("52901", "Invalid base asset")
    least, most, least_quote, most_quote = (plain(each) for each in bounds(inst))
    row: dict[str, Json] = {
        "baseCcy": inst.listing.base, "baseCcyMax": most, "baseCcyMin": least, "instId": inst.id,
        "quoteCcy": inst.listing.quote, "quoteCcyMax": most_quote, "quoteCcyMin": least_quote,
    }  # fmt: skip
    return ok([row])


def _needed(call: Call, *names: str) -> list[str]:
    values = [text(call.body.get(name)) for name in names]
    for name, value in zip(names, values, strict=True):
        if not value:
            raise empty_parameter(name)
    return values


def _market(call: Call, base: str, quote: str, side: str) -> Instrument:
    """The spot market ``base``-``quote``, the right way round."""
    if side not in ("buy", "sell"):
        raise _refused("52904", "Invalid quote side")
    listed = {inst.listing.base for inst in call.venue.of_type("SPOT")}
    if base not in listed:
        raise _refused("52901", "Invalid base asset")
    inst = pair(call.venue, base, quote)
    if inst is None or inst.listing.base != base:
        raise _refused("52902", "Invalid quote asset")
    return inst


def _client_id(call: Call, name: str) -> str:
    value = text(call.body.get(name))
    if value and not CLIENT_ID.match(value):
        raise bad_parameter(name)
    return value


def _amount(call: Call, name: str) -> Decimal:
    amount = parse(call.body.get(name))
    if amount is None or amount <= 0:
        raise _refused("52903", "Invalid quote amount")
    return amount


def estimate(call: Call) -> Reply:
    """POST asset/convert/estimate-quote: a price that holds for ten seconds."""
    base, counter, side, _, ccy = _needed(call, "baseCcy", "quoteCcy", "side", "rfqSz", "rfqSzCcy")
    inst, asked = _market(call, base, counter, side), _amount(call, "rfqSz")
    if ccy not in (base, counter):
        raise bad_parameter("rfqSzCcy")
    least, most = bounds(inst)[:2] if ccy == base else bounds(inst)[2:]
    if asked > most:
        raise _refused("52918", "RFQ quantity cannot be greater than the upper limit")
    size = asked.quantize(STEP, rounding="ROUND_DOWN")
    if size < least:
        raise _refused("52917", "RFQ quantity cannot be less than the lower limit")
    mine, client_id = conversions(call.account), _client_id(call, "clQReqId")
    if client_id and client_id in mine.request_ids:
        raise _refused("52925", "Duplicate client request ID")
    price = price_of(call.venue, inst, side, call.now_ms)
    if price <= 0:
        message = "Cannot quote due to large amounts of RFQ and insufficient liquidity, please try again later"
        raise _refused("52915", message)
    if mine.too_soon(f"quote {inst.id}", call.now_ms):
        raise Refused(refusal(429, "50011", "Too Many Requests"))
    quote = Quote(
        number=f"quoter{inst.id}{call.venue.orders.next_id()}", inst_id=inst.id, base=base, quote=counter, side=side,
        asked=size, asked_ccy=ccy, price=price, made_ms=call.now_ms, client_id=client_id,
    )  # fmt: skip
    mine.keep(quote)
    if client_id:
        mine.request_ids.add(client_id)
    return ok([quote_row(quote, asked)])


def _quote(call: Call, number: str) -> Quote:
    """The quote ``number`` as long as it can be traded."""
    quote = conversions(call.account).quotes.get(number)
    if quote is None:
        raise _refused("52927", "No quote")
    if quote.traded:
        raise _refused("52921", "Quote traded, please ask for quote again")
    if not 0 <= call.now_ms - quote.made_ms < TTL_MS:
        raise _refused("52922", "Quote expired, please ask for quote again")
    return quote


def trade(call: Call) -> Reply:
    """POST asset/convert/trade: at the price of a quote, once, and for no more than it was asked for."""
    number, base, counter, side, _, ccy = _needed(call, "quoteId", "baseCcy", "quoteCcy", "side", "sz", "szCcy")
    quote, account = _quote(call, number), call.account
    told = {"baseCcy": base, "quoteCcy": counter, "side": side, "szCcy": ccy}
    meant = {"baseCcy": quote.base, "quoteCcy": quote.quote, "side": quote.side, "szCcy": quote.asked_ccy}
    for name, value in meant.items():
        if told[name] != value:
            raise _refused("52919", f"Parameter {name} of convert trading is inconsistent with the quotation")
    size, client_id, mine = _amount(call, "sz"), _client_id(call, "clTReqId"), conversions(account)
    if size > quote.asked:
        raise _refused("52920", "Quantity of convert trading cannot exceed the quotation quantity")
    if client_id and any(row["clTReqId"] == client_id for _, row in mine.done):
        raise _refused("52909", "Duplicate Client Order Id")
    base_size, quote_size = quote.sizes(size.quantize(STEP, rounding="ROUND_DOWN"))
    if not base_size or not quote_size:
        raise _refused("52917", "RFQ quantity cannot be less than the lower limit")
    paid, got = (counter, quote_size), (base, base_size)
    if side == "sell":
        paid, got = got, paid
    if paid[1] > free(call.venue, account, paid[0], call.now_ms):
        raise _refused("52914", "Insufficient available balance in trading account")
    if mine.too_soon(f"trade {side}", call.now_ms):
        raise Refused(refusal(429, "50011", "Too Many Requests"))
    quote.traded = True
    for (currency, amount), sub in ((paid, CONVERTED_OUT), (got, CONVERTED_IN)):
        change = -amount if sub == CONVERTED_OUT else amount
        credit(call.venue, account, currency, change, kind=CONVERT, sub=sub, now_ms=call.now_ms)
    account.tell(Event(channel="account"))
    row: dict[str, Json] = {
        "baseCcy": base, "clTReqId": client_id, "fillBaseSz": plain(base_size), "fillPx": plain(quote.price),
        "fillQuoteSz": plain(quote_size), "instId": quote.inst_id, "quoteCcy": counter, "side": side,
        "state": "fullyFilled", "tradeId": f"trader{call.venue.orders.next_id()}", "ts": str(call.now_ms),
    }  # fmt: skip
    mine.done.append((text(call.body.get("tag")), row))
    call.exchange.tell()
    return ok([{**row, "quoteId": quote.number}])


def history(call: Call) -> Reply:
    """GET asset/convert/history; what was done with a tag is only shown to who names it."""
    tag, client_id = call.params.get("tag", ""), call.params.get("clTReqId", "")
    found = (
        row for its, row in reversed(conversions(call.account).done)
        if its == tag and client_id in ("", row["clTReqId"])
    )  # fmt: skip
    return ok(page_of_rows(call, found))


TABLE = (
    ("GET", "/api/v5/asset/convert/currencies", "private", "read_only", currencies),
    ("GET", "/api/v5/asset/convert/currency-pair", "private", "read_only", currency_pair),
    ("POST", "/api/v5/asset/convert/estimate-quote", "private", "trade", estimate),
    ("POST", "/api/v5/asset/convert/trade", "private", "trade", trade),
    ("GET", "/api/v5/asset/convert/history", "private", "read_only", history),
)
