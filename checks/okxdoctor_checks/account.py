"""Do the settings of the account allow what the integration is about to do?

Looks at what account/config said (the key check asks it), and, where the integration trades, at the balances of both
wallets. Nothing is changed.

What it finds, and what to do:
* mode forbids: the account mode does not know the product (--product, or the type of an --instrument) or the trade mode
  (--trade-mode). The finding names the modes that do. The mode is changed on the web or in the app; the first time not
  by API, and only while no order, position or bot is open.
* funds elsewhere: the trading account is empty, and the money lies in the funding account: transfer it. Deposits always
  arrive there.
* unverified: the account's identity is not verified, so trading is refused in most regions.

Whether single orders fit the account is for the check `order`, with --order FILE. Without credentials this check is
skipped, and also when the key is refused, which the check `key` explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from okxdoctor.check import Check, Inconclusive, Skip
from okxdoctor.knowledge import enums
from okxdoctor.model import Finding, Json
from okxdoctor.okx.account_modes import modes_with, trade_modes
from okxdoctor.okx.order_view import fraction
from okxdoctor.port import AccountView, Answer, Ask, Holding, Io, Wallets
from okxdoctor_checks._answers import Reply, line, read, recorded, rows, standing_in_the_way, text
from okxdoctor_checks._instruments import listing_of
from okxdoctor_checks._refusals import accepted_account, by_address
from okxdoctor_checks._words import listed

BALANCE = "/api/v5/account/balance"
FUNDING = "/api/v5/asset/balances"
_MOST = 300
"""Currencies that are kept of one wallet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``trading`` and ``funding`` are None where they were not asked for or not told; ``replies`` are what was said.

    ``products``: what the integration trades, declared or by its instruments.
    """

    environment: Literal["live", "demo"]
    account: AccountView
    need: tuple[str, ...]
    product: str | None
    trade_mode: str | None
    products: tuple[str, ...]
    replies: tuple[Reply, ...] = ()
    trading: tuple[Holding, ...] | None = None
    funding: tuple[Holding, ...] | None = None


# ---- probe -------------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    view = io.view
    if not view.credentials:
        raise Skip("no whole API key (id, secret, passphrase) is set: private checks are not made")
    account = await accepted_account(io)
    trades = "trade" in view.need or view.product is not None or view.trade_mode is not None
    by_id = [listing_of(inst_id).type for inst_id in view.instruments] if trades else []
    replies: tuple[Reply, ...] = ()
    trading: tuple[Holding, ...] | None = None
    funding: tuple[Holding, ...] | None = None
    if trades or view.orders:
        answers = await recorded(io, *(Ask(method="GET", path=path, signed=True) for path in (BALANCE, FUNDING)))
        replies = tuple(read(answer) for answer in answers)
        for reply in replies:
            if reply.kind != "ok":
                raise (
                    standing_in_the_way(reply, view.rest.host)
                    or by_address(reply)
                    or Inconclusive(f"{reply.path}: {reply.said}")
                )
        trading, funding = _trading(answers[0]), _funding(answers[1])
    return Facts(
        environment=view.environment,
        account=account,
        need=view.need,
        product=view.product,
        trade_mode=view.trade_mode,
        products=tuple(dict.fromkeys([view.product] if view.product else by_id)),
        replies=replies,
        trading=trading,
        funding=funding,
    )


def _trading(answer: Answer) -> tuple[Holding, ...] | None:
    """None where the answer has no list of currencies: that is no empty account."""
    details = next((whole.get("details") for whole in rows(answer)), None)
    if not isinstance(details, list):
        return None
    return tuple(
        Holding(
            ccy=text(row, "ccy")[:20],
            cash=text(row, "cashBal")[:60],
            available=text(row, "availBal")[:60],
            frozen=text(row, "ordFrozen")[:60],
            margin=text(row, "availEq")[:60],
        )
        for row in details[:_MOST]
        if isinstance(row, dict)
    )


def _funding(answer: Answer) -> tuple[Holding, ...]:
    return tuple(
        Holding(
            ccy=text(row, "ccy")[:20],
            cash=text(row, "bal")[:60],
            available=text(row, "availBal")[:60],
            frozen=text(row, "frozenBal")[:60],
        )
        for row in rows(answer)[:_MOST]
    )


# ---- evaluate ----------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterable[Finding]:
    yield from _mode(facts)
    yield from _wallets(facts)
    if facts.account.kyc_lv == "0" and facts.environment == "live":
        yield Finding(
            code="account.unverified",
            summary="The account's identity is not verified (kycLv 0)",
            evidence={"kycLv": facts.account.kyc_lv, "account_type": facts.account.account_type},
        )


def _mode(facts: Facts) -> Iterator[Finding]:
    level = facts.account.acct_lv
    words = enums()["account_mode"]
    refused = [product for product in facts.products if trade_modes(level, product) == ()]
    what, mode = listed(refused), ""
    homes = {home for product in refused for home in modes_with(product)}
    if not refused and facts.trade_mode is not None:
        # Of several products one may take the mode; a product that was named must.
        asked = (facts.product,) if facts.product else ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
        allowed = [trade_modes(level, product) for product in asked]
        if None in allowed or any(facts.trade_mode in each for each in allowed if each is not None):
            return
        mode = facts.trade_mode
        what = f"{facts.product} with tdMode {mode}" if facts.product else f"tdMode {mode}"
        homes = {home for product in asked for home in modes_with(product, mode)}
    if not what:
        return
    evidence: dict[str, Json] = {
        "acctLv": level,
        "account_mode": words.word(level),
        "products": list(facts.products),
        "trade_mode": facts.trade_mode or "not said",
        "modes_that_allow_it": [f"{home} ({words.word(home)})" for home in sorted(homes)],
    }
    where = f"mode {listed([f'{home} ({words.word(home)})' for home in sorted(homes)], joint='or')}"
    yield Finding(
        code="account.mode-forbids",
        summary=line(
            f"The account is in mode {level} ({words.word(level)}), which does not trade {what}"
            + (f"; {where} does" if homes else "")
        ),
        evidence=evidence,
    )


def _wallets(facts: Facts) -> Iterator[Finding]:
    if facts.trading is None or facts.funding is None:
        return
    here = [one for one in facts.trading if (cash := fraction(one.cash)) is None or cash > 0]  # unreadable is not none
    there = [one for one in facts.funding if (fraction(one.available) or 0) > 0]
    if here or not there:
        return
    first = next((one for one in there if one.ccy in ("USDT", "USDC", "USD")), there[0])
    yield Finding(
        code="account.funds-elsewhere",
        summary=line(
            "The trading account is empty, and the funding account has "
            + listed([f"{one.available} {one.ccy}" for one in there])
        ),
        evidence={
            "trading": "empty",
            "funding": {one.ccy: one.available for one in there[:10]},
            "currencies_funding": len(there),
        },
        remedy=(
            f'POST /api/v5/asset/transfer {{"ccy":"{first.ccy}","amt":"{first.available}","from":"6","to":"18"}}',
            "Or in the app: Assets, Transfer, from Funding to Trading",
        ),
    )


# ---- record ------------------------------------------------------------------------------------


def offers(facts: Facts) -> Iterable[Wallets]:
    yield Wallets(trading=facts.trading, funding=facts.funding)


CHECK = Check(
    id="account",
    title="The account's settings allow what the integration does",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    offers=offers,
    reads=("key",),
    brings=("key",),
    private=True,
    causes=("account.mode-forbids", "account.funds-elsewhere", "account.unverified"),
)
