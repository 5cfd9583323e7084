"""Accounts, wallets and API keys: the records that a signed request is checked against."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from .decimals import EXACT
from .protocol import Json

if TYPE_CHECKING:
    from .bills import Bill, FundingBill
    from .converting import Conversions
    from .savings import Saving

ZERO = Decimal(0)
EVENTS = 2_000
"""Private events kept for connections that lag."""

BILLS = 5_000
"""Bills of a wallet that stay readable."""

RECORDS = 1_000
"""Closed positions, charges of interest and transfers with sub-accounts that stay readable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What the exchange knows about one API key.

    ``permissions`` are the words of account/config (``read_only``, ``trade``, ``withdraw``); ``addresses``
    the bound IP entries (addresses or networks), empty when unbound. The secret and the passphrase are
    left out of ``repr``.
    """

    key: str
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    uid: str
    environment: str
    permissions: tuple[str, ...] = ("read_only", "trade")
    addresses: tuple[str, ...] = ()
    label: str = ""
    frozen: bool = False
    created_ms: int = 0

    def admits(self, peer: str) -> bool:
        """Whether a request from ``peer`` passes the IP list; an unbound key passes from everywhere."""
        if not self.addresses or peer in self.addresses:
            return True
        address = ip_address(peer)
        return any(address in ip_network(entry, strict=False) for entry in self.addresses)


@dataclass(slots=True, kw_only=True)
class Balance:
    """One currency of the trading account.

    ``frozen`` is the part behind open orders, ``margin`` the part behind isolated positions. What cross positions
    need and have won or lost goes with the mark price: ``margin.free``.
    """

    cash: Decimal
    frozen: Decimal = ZERO
    margin: Decimal = ZERO
    updated_ms: int = 0

    @property
    def available(self) -> Decimal:
        return EXACT.subtract(EXACT.subtract(self.cash, self.frozen), self.margin)


@dataclass(slots=True, kw_only=True)
class Position:
    """One position; ``quantity`` in contracts (base currency in margin trading), negative when short in net mode.

    ``cost`` is what the open contracts were worth when they were opened, ``margin`` what is kept for an isolated
    position (of which ``added`` by hand), both in the settlement currency. ``opened``, ``closed`` and ``brought`` sum
    the contracts ever opened and closed and what closing them was worth; ``most`` is the largest position.
    """

    position_id: str
    inst_id: str
    inst_type: str
    mode: str
    side: str
    quantity: Decimal
    average: Decimal
    lever: str
    opened_ms: int
    updated_ms: int
    cost: Decimal = ZERO
    margin: Decimal = ZERO
    added: Decimal = ZERO
    realized: Decimal = ZERO
    fee: Decimal = ZERO
    funding: Decimal = ZERO
    penalty: Decimal = ZERO
    interest: Decimal = ZERO
    last_trade: str = ""
    opened: Decimal = ZERO
    paid: Decimal = ZERO
    closed: Decimal = ZERO
    brought: Decimal = ZERO
    most: Decimal = ZERO
    warned: bool = False
    """The account has been told that liquidation is near."""

    @property
    def long(self) -> bool:
        return self.side == "long" or (self.side == "net" and self.quantity > 0)


@dataclass(slots=True, kw_only=True)
class Account:
    """One account of one venue: settings, trading and funding wallet, positions, bills, and its event log.

    ``events`` grows by one entry for each change that a private channel reports; connections read it
    from where they stand.
    """

    uid: str
    main_uid: str
    level: str = "2"
    position_mode: str = "net_mode"
    kyc: str = "2"
    balances: dict[str, Balance] = field(default_factory=dict)
    funding: dict[str, Decimal] = field(default_factory=dict)
    positions: dict[tuple[str, str, str], Position] = field(default_factory=dict)
    leverage: dict[tuple[str, str], str] = field(default_factory=dict)
    """By level (`margin.lever_level`): the instrument or family, and the margin mode with its side."""
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS))
    bills: deque[Bill] = field(default_factory=lambda: deque(maxlen=BILLS))
    funding_bills: deque[FundingBill] = field(default_factory=lambda: deque(maxlen=BILLS))
    past: deque[dict[str, Json]] = field(default_factory=lambda: deque(maxlen=RECORDS))
    """Closed positions, as account/positions-history shows them."""
    interest: deque[dict[str, Json]] = field(default_factory=lambda: deque(maxlen=RECORDS))
    """Interest that was charged, as account/interest-accrued shows it."""
    isolated_mode: dict[str, str] = field(default_factory=lambda: {"MARGIN": "automatic", "CONTRACTS": "automatic"})
    greeks: str = "PA"
    settle_ccy: str = "USDC"
    """What contracts margined in USD are settled in."""
    label: str = ""
    """The name of a sub-account; '' for the main account."""
    may_send: bool = True
    """Whether a sub-account may transfer to others."""
    opened_ms: int = 0
    between: deque[dict[str, Json]] = field(default_factory=lambda: deque(maxlen=RECORDS))
    """Of a main account: transfers with its sub-accounts, as asset/subaccount/bills shows them."""
    transfers: dict[str, dict[str, Json]] = field(default_factory=dict)
    """Transfers between the wallets by number, as asset/transfer-state shows them."""
    savings: dict[str, Saving] = field(default_factory=dict)
    """What is lent, by currency."""
    conversions: Conversions | None = None
    """Quotes and conversions; None until there are any."""
    stp: str = "cancel_maker"
    """What happens when an order would meet another one of this account."""
    told: int = 0
    """Events ever told; ``events`` holds the last of them."""

    def tell(self, event: Event) -> None:
        self.events.append(event)
        self.told += 1

    def events_from(self, read: int) -> list[Event]:
        """Events after the first ``read`` ones, as far as they are still kept."""
        missing = min(self.told - read, len(self.events))
        return [self.events[k] for k in range(len(self.events) - missing, len(self.events))]

    def balance(self, ccy: str) -> Balance:
        """The trading balance of ``ccy``, created empty when it was never held."""
        found = self.balances.get(ccy)
        if found is None:
            found = self.balances[ccy] = Balance(cash=ZERO)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that a private channel tells: ``orders`` rows, or that balances or positions changed."""

    channel: str
    inst_type: str = ""
    inst_id: str = ""
    family: str = ""
    row: dict[str, Json] = field(default_factory=dict)
    event_type: str = "event_update"


MAKER_FEE = Decimal("0.0008")
TAKER_FEE = Decimal("0.001")
SWAP_MAKER_FEE = Decimal("0.0002")
SWAP_TAKER_FEE = Decimal("0.0005")
"""Regular-tier rates (Lv1); the wire shows them negative."""
