"""Bills: every change of a balance has one, and the bills of a currency add up to its balance.

Types and subtypes are those of the documentation (2026-07): 1 transfer, 2 trade, 3 delivery, 5 liquidation, 6 margin
transfer, 7 interest, 8 funding fee, 10 clawback, 27 convert.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from .accounts import ZERO, Account
from .decimals import EXACT, plain
from .protocol import Json

if TYPE_CHECKING:
    from .orders import Order
    from .venue import Venue

TRANSFER, TRADE, DELIVERY, LIQUIDATION, INTEREST, FUNDING = "1", "2", "3", "5", "7", "8"

CONVERT = "27"

IN, OUT = "11", "12"
CONVERTED_IN, CONVERTED_OUT = "318", "319"
FUNDING_PAID, FUNDING_RECEIVED = "173", "174"
WEEK_MS = 7 * 86_400_000
QUARTER_MS = 90 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One change of a trading balance. ``change`` includes ``fee`` and ``pnl``; ``after`` is the balance then."""

    bill_id: str
    ts: int
    ccy: str
    change: Decimal
    after: Decimal
    kind: str
    sub: str
    inst_id: str = ""
    inst_type: str = ""
    mode: str = ""
    size: Decimal = ZERO
    price: Decimal | None = None
    fee: Decimal = ZERO
    pnl: Decimal = ZERO
    interest: Decimal = ZERO
    trade_id: str = ""
    role: str = ""
    source: str = ""
    target: str = ""
    order: Order | None = None
    note: str = ""

    def row(self) -> dict[str, Json]:
        """The object of account/bills."""
        order, traded = self.order, str(self.ts) if self.trade_id else ""
        return {
            "bal": plain(self.after), "balChg": plain(self.change), "billId": self.bill_id, "ccy": self.ccy,
            "clOrdId": "" if order is None else order.client_id, "earnAmt": "", "earnApr": "", "execType": self.role,
            "fee": plain(self.fee), "fillFwdPx": "", "fillIdxPx": "", "fillMarkPx": "", "fillMarkVol": "",
            "fillPxUsd": "", "fillPxVol": "", "fillTime": traded, "from": self.source, "instId": self.inst_id,
            "instType": self.inst_type, "interest": plain(self.interest), "mgnMode": self.mode, "notes": self.note,
            "ordId": "" if order is None else order.order_id, "pnl": plain(self.pnl), "posBal": "0",
            "posBalChg": "0", "px": "" if self.price is None else plain(self.price), "subType": self.sub,
            "sz": plain(self.size), "tag": "" if order is None else order.tag, "to": self.target,
            "tradeId": self.trade_id, "ts": str(self.ts), "type": self.kind,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingBill:
    """One change of the funding wallet; ``kind`` as in asset/bills (130 from, 131 to the trading account …)."""

    bill_id: str
    ts: int
    ccy: str
    change: Decimal
    after: Decimal
    kind: str
    client_id: str = ""
    note: str = ""

    def row(self) -> dict[str, Json]:
        """The object of asset/bills."""
        return {
            "bal": plain(self.after), "balChg": plain(self.change), "billId": self.bill_id, "ccy": self.ccy,
            "clientId": self.client_id, "notes": self.note, "ts": str(self.ts), "type": self.kind,
        }  # fmt: skip


def credit(
    venue: Venue, account: Account, ccy: str, change: Decimal, *, kind: str, sub: str, now_ms: int, bill_id: str = "",
    inst_id: str = "", inst_type: str = "", mode: str = "", size: Decimal | None = None, price: Decimal | None = None,
    fee: Decimal = ZERO, pnl: Decimal = ZERO, interest: Decimal = ZERO, trade_id: str = "", role: str = "",
    source: str = "", target: str = "", order: Order | None = None, note: str = "",
) -> None:  # fmt: skip
    """Change the trading balance of ``ccy`` by ``change`` (negative: a debit), and write the bill."""
    balance = account.balance(ccy)
    balance.cash = EXACT.add(balance.cash, change)
    balance.updated_ms = now_ms
    account.bills.append(
        Bill(
            bill_id=bill_id or venue.orders.next_id(), ts=now_ms, ccy=ccy, change=change, after=balance.cash, kind=kind,
            sub=sub, inst_id=inst_id, inst_type=inst_type, mode=mode, size=abs(change) if size is None else size,
            price=price, fee=fee, pnl=pnl, interest=interest, trade_id=trade_id, role=role, source=source,
            target=target, order=order, note=note,
        )
    )  # fmt: skip


def credit_funding(
    venue: Venue, account: Account, ccy: str, change: Decimal, *, kind: str, now_ms: int, client_id: str = "",
    note: str = "",
) -> None:  # fmt: skip
    """Change the funding balance of ``ccy`` by ``change``, and write the bill."""
    after = EXACT.add(account.funding.get(ccy, ZERO), change)
    account.funding[ccy] = after
    account.funding_bills.append(
        FundingBill(
            bill_id=venue.orders.next_id(), ts=now_ms, ccy=ccy, change=change, after=after, kind=kind,
            client_id=client_id, note=note,
        )
    )  # fmt: skip


def newest(account: Account, *, since_ms: int) -> Iterator[Bill]:
    """The account's bills from now back to ``since_ms``."""
    for bill in reversed(account.bills):
        if bill.ts < since_ms:
            return
        yield bill
