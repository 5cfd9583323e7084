"""The exchange as one object: sites, environments, keys, budgets, clock and circumstances."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace

from . import seeded
from .account_world import Altered, alter, restore
from .accounts import Account, KeyRecord
from .circumstances import HEALTHY, Circumstances
from .clock import Clock
from .limits import Ledger
from .risk import Liquidation
from .seasons import Expiry, Funding, Interest, Timers
from .triggers import Triggers
from .venue import Venue, funded_account, sub_accounts
from .ws_world import Options

SITES = ("global", "eea", "us")
ENVIRONMENTS = ("live", "demo")
LOOPBACK = ("127.0.0.1", "::1")
_SAME = nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a user is handed: key, secret, passphrase (the last two not in ``repr``)."""

    api_key: str
    secret_key: str = field(repr=False)
    passphrase: str = field(repr=False)


class Site:
    """One site: both environments, and the keys that were made there."""

    def __init__(self, *, seed: int, name: str, now_ms: int) -> None:
        self.name = name
        self.venues = {
            environment: Venue(seed=seed, site=name, environment=environment, now_ms=now_ms)
            for environment in ENVIRONMENTS
        }
        self._issued: dict[str, KeyRecord] = {}
        self._extra: dict[str, KeyRecord] = {}
        for environment, venue in self.venues.items():
            venue.chores = (Timers(), Triggers(), Funding(), Interest(), Expiry(), Liquidation())
            main = funded_account(seed, venue, now_ms)
            for account in sub_accounts(seed, venue, main, now_ms):
                self._extra |= _sub_key(seed, venue, account, now_ms)
            self._issued[environment] = KeyRecord(
                key=seeded.uuid(seed, name, environment),
                secret=seeded.secret_key(seed, name, environment),
                passphrase=seeded.passphrase(seed, name, environment),
                uid=main.uid,
                environment=environment,
                addresses=LOOPBACK,
                label="okxdoctor",
                created_ms=now_ms,
            )
        self.keys: dict[str, KeyRecord] = self._all()
        self._altered: Altered | None = None

    def _all(self) -> dict[str, KeyRecord]:
        """Every key as it was issued: those of the main accounts, and those of sub-accounts."""
        return {record.key: record for record in self._issued.values()} | self._extra

    def add_key(self, record: KeyRecord) -> None:
        """Let ``record`` be a key of a sub-account, or replace what it was."""
        self._extra[record.key] = self.keys[record.key] = record

    def drop_key(self, key: str) -> None:
        """Delete a key of a sub-account."""
        self._extra.pop(key, None)
        self.keys.pop(key, None)

    def credentials(self, environment: str, sub: str = "") -> Credentials:
        """The credentials of the account of ``environment`` (or of its sub-account ``sub``) as they were handed out."""
        record = self._issued[environment]
        if sub:
            record = next(each for each in self._extra.values() if (each.environment, each.label) == (environment, sub))
        return Credentials(api_key=record.key, secret_key=record.secret, passphrase=record.passphrase)

    def bind(self, environment: str, addresses: tuple[str, ...]) -> None:
        """Bind the key of ``environment`` to addresses and networks, as its owner does on the API page."""
        record = self._issued[environment] = replace(self._issued[environment], addresses=addresses)
        if (present := self.keys.get(record.key)) is not None:
            self.keys[record.key] = replace(present, addresses=addresses)

    def apply(self, seed: int, world: Circumstances) -> None:
        """Bring the record of the live key into the state that the circumstances ask for."""
        change, issued = world.key, self._issued["live"]
        keys = self._all()
        if change.deleted:
            del keys[issued.key]
        else:
            record = replace(
                issued,
                frozen=change.frozen,
                secret=seeded.secret_key(seed, self.name, "another") if change.other_secret else issued.secret,
                passphrase=(
                    seeded.passphrase(seed, self.name, "another") if change.other_passphrase else issued.passphrase
                ),
                permissions=issued.permissions if change.permissions is None else change.permissions,
                addresses=issued.addresses if change.addresses is None else change.addresses,
            )
            if change.environment is not None and change.environment != record.environment:
                record = replace(record, environment=change.environment, uid=self._issued[change.environment].uid)
            keys[record.key] = record
        self.keys = keys

    def alter(self, world: Circumstances, now_ms: int) -> None:
        """Bring the account of the live key into the state that the circumstances ask for."""
        venue = self.venues["live"]
        account = venue.accounts[self._issued["live"].uid]
        if self._altered is not None:
            restore(venue, account, self._altered, now_ms)
        self._altered = alter(venue, account, world.account, now_ms)


def _sub_key(seed: int, venue: Venue, account: Account, now_ms: int) -> dict[str, KeyRecord]:
    """The key of a sub-account: bound to loopback, for reading and trading, labelled like the account."""
    key = seeded.uuid(seed, venue.name, account.label)
    record = KeyRecord(
        key=key, secret=seeded.secret_key(seed, venue.name, account.label), uid=account.uid,
        passphrase=seeded.passphrase(seed, venue.name, account.label), environment=venue.environment,
        label=account.label, created_ms=now_ms, addresses=LOOPBACK,
    )  # fmt: skip
    return {key: record}


class Exchange:
    """Everything there is. ``world`` is replaced as a whole by ``set_circumstances``."""

    def __init__(self, *, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.seed = seed
        self.world: Circumstances = HEALTHY
        self.options = Options()
        now_ms = clock.now_ms()
        self.sites = {name: Site(seed=seed, name=name, now_ms=now_ms) for name in SITES}
        self.ledger = Ledger()
        self.connections: dict[tuple[str, str, str], set[str]] = {}
        """Connections that hold a private channel: (venue, user id, channel) -> connection ids."""
        self._watchers: list[Callable[[], None]] = []

    def venue(self, site: str, environment: str) -> Venue:
        return self.sites[site].venues[environment]

    def credentials(self, site: str = "global", environment: str = "live", sub: str = "") -> Credentials:
        """What a user of ``site`` is handed; ``sub`` names a sub-account."""
        return self.sites[site].credentials(environment, sub)

    def set_circumstances(self, world: Circumstances) -> None:
        """Let the world be like this from now on."""
        before, self.world = self.world, world
        if world.clock_offset_ms != before.clock_offset_ms:
            self.clock.set_offset(world.clock_offset_ms)
        now_ms = self.clock.now_ms()
        self._apply_key(before)
        if world.changes != before.changes:
            # The circumstances of an instrument are those of production: demo keeps its own list.
            self.sites["global"].venues["live"].apply(world.changes, now_ms)
        if world.account != before.account:
            for site in self.sites.values():
                site.alter(world, now_ms)
        self.tell()

    def under(self, world: Circumstances) -> AbstractContextManager[None]:
        """Let the world be like this for the length of a block that does not wait: for one request.

        Nobody is told, and instruments stay as they are: those are a state, nothing that one request meets.
        """
        return _SAME if world is self.world else self._briefly(world)

    @contextmanager
    def _briefly(self, world: Circumstances) -> Iterator[None]:
        usual, offset_ms = self.world, self.clock.offset_ms
        self.world, self.clock.offset_ms = world, world.clock_offset_ms
        self._apply_key(usual)
        try:
            yield
        finally:
            self.world, self.clock.offset_ms = usual, offset_ms
            self._apply_key(world)

    def _apply_key(self, before: Circumstances) -> None:
        if self.world.key != before.key:
            for site in self.sites.values():
                site.apply(self.seed, self.world)

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call ``watcher`` after each change that a connection may have to report; the answer ends it."""
        self._watchers.append(watcher)

        def forget() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return forget

    def tell(self) -> None:
        for watcher in tuple(self._watchers):
            watcher()
