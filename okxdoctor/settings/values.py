"""What a run is set to, every value with where it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from okxdoctor.port import Cell, Endpoint, OrderDraft, Surroundings, View
from okxdoctor.redact import Redactor, url_secrets
from okxdoctor.secret import Secret
from okxdoctor.settings.profile import Kind
from okxdoctor.settings.routes import WayOut
from okxdoctor.targets.config import Credentials, TargetConfig

T = TypeVar("T")

_SECONDS_PER_ANSWER = 5.0  # one connect, handshake or answer; a probe has room for more than one

TargetKind = Literal["live", "demo", "sim", "cassette", "facts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Generic[T]):
    """A value and its source: ``flag``, ``env:NAME``, ``profile:NAME (FILE)``, ``default``, or a sentence."""

    value: T
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One line of ``--show-settings``. ``shown`` is never a secret."""

    name: str
    shown: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSeen:
    """A configuration file that was read. ``profile`` is the table of it that is used; "" its head, None nothing."""

    path: Path
    kind: Kind
    profile: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a target is reached. The embedded exchange hands its own; public ones come from the settings."""

    site: str
    rest: Endpoint
    ws: Endpoint
    cells: tuple[Cell, ...]
    expect: Literal["global", "loopback", "any"]
    declared_hosts: bool
    legacy_ws_port: int
    dns_servers: tuple[tuple[str, int], ...]
    ntp_servers: tuple[tuple[str, int], ...]
    ntp_declared: bool
    doh_urls: tuple[str, ...]
    ca_file: str | None
    control_name: str
    control_addresses: tuple[tuple[str, int], ...]
    rest_way: WayOut
    ws_way: WayOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that ``okxdoctor run`` was told. Built by :func:`okxdoctor.settings.resolve`.

    ``path`` is the file of a cassette or facts target. ``drafts`` are the orders in the files ``orders``. ``addresses``
    is None for targets that bring their own.
    ``origin`` holds name/source for every row that is not stored as :class:`Given`.
    """

    kind: TargetKind
    path: str | None
    environment: Literal["live", "demo"]
    profile: str
    addresses: Addresses | None
    api_key: Given[Secret]
    secret_key: Given[Secret]
    passphrase: Given[Secret]
    need: tuple[str, ...]
    instruments: tuple[str, ...]
    declared_specs: tuple[tuple[str, str, str], ...]
    orders: tuple[str, ...]
    drafts: tuple[OrderDraft, ...]
    product: str | None
    trade_mode: str | None
    only: tuple[str, ...]
    skip: tuple[str, ...]
    timeout_s: float
    deadline_s: float
    fail_on: Literal["error", "warning"]
    baseline: str | None
    save_facts: str | None
    record: str | None
    faults: tuple[str, ...]
    seed: int
    demo_orders: bool
    burst: bool
    files: tuple[FileSeen, ...]
    tls_off: tuple[str, ...]
    notes: tuple[str, ...]
    origin: tuple[SettingRow, ...]
    environ: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Settings(kind={self.kind!r}, profile={self.profile!r})"

    def rows(self) -> tuple[SettingRow, ...]:
        """Name, value (secrets as ``***``), source: what ``--show-settings`` prints."""
        redactor = self.redactor()
        return tuple(
            SettingRow(name=row.name, shown=redactor.text(row.shown), source=redactor.text(row.source))
            for row in self.origin
        )

    def credentials(self) -> Credentials | None:
        """The key that is effective; None when no part of one is set."""
        key = Credentials(
            api_key=self.api_key.value, secret_key=self.secret_key.value, passphrase=self.passphrase.value
        )
        return key if key.api_key or key.secret_key or key.passphrase else None

    def secrets(self) -> tuple[Secret, ...]:
        """Every value that no sink may show, proxy passwords included."""
        found = [self.api_key.value, self.secret_key.value, self.passphrase.value]
        if self.addresses is not None:
            for way in (self.addresses.rest_way, self.addresses.ws_way):
                if way.url is not None:
                    found += map(Secret, url_secrets(way.url.reveal()))
        for name, value in self.environ.items():
            if name.lower().endswith("_proxy") and "@" in value:
                found += map(Secret, url_secrets(value if "://" in value else f"http://{value}"))
        return tuple(secret for secret in found if secret)

    def redactor(self) -> Redactor:
        """The redaction point of this run."""
        return Redactor(self.secrets())

    def target_config(
        self,
        addresses: Addresses | None = None,
        credentials: Credentials | None = None,
        surroundings: Callable[[], Surroundings] | None = None,
    ) -> TargetConfig:
        """What a live target is built from. A target with its own addresses and key hands them in here."""
        where = addresses or self.addresses
        if where is None:
            raise ValueError(f"target {self.kind} brings its own addresses")
        key = credentials or self.credentials()
        view = View(
            kind=self.kind,
            site=where.site,
            environment=self.environment,
            rest=where.rest,
            ws=where.ws,
            addresses=where.expect,
            declared_hosts=where.declared_hosts,
            legacy_ws_port=where.legacy_ws_port,
            credentials=key is not None and key.complete,
            need=self.need,
            instruments=self.instruments,
            product=self.product,
            trade_mode=self.trade_mode,
            declared_specs=self.declared_specs,
            burst=self.burst,
            rest_route=where.rest_way.route,
            ws_route=where.ws_way.route,
            ca_file=where.ca_file,
            dns_servers=_joined(where.dns_servers),
            ntp_servers=_joined(where.ntp_servers),
            ntp_declared=where.ntp_declared,
            control_name=where.control_name,
            cells=where.cells,
            orders=self.drafts,
            demo_orders=self.demo_orders,
            answer_s=min(_SECONDS_PER_ANSWER, self.timeout_s / 2),
        )
        return TargetConfig(
            view=view,
            credentials=key,
            dns_servers=where.dns_servers,
            doh_urls=where.doh_urls,
            ntp_servers=where.ntp_servers,
            rest_proxy=where.rest_way.url,
            ws_proxy=where.ws_way.url,
            ca_file=where.ca_file,
            control_name=where.control_name,
            control_addresses=where.control_addresses,
            timeout_s=view.answer_s,
            surroundings=surroundings or self.surroundings,
        )

    def surroundings(self) -> Surroundings:
        """The offline facts of this machine and configuration."""
        from okxdoctor.surroundings import gather

        return gather(
            credentials=(
                ("api_key", self.api_key),
                ("secret_key", self.secret_key),
                ("passphrase", self.passphrase),
            ),
            files=self.files,
            tls_off=self.tls_off,
            environ=self.environ,
            folder=_here() if self.kind in ("live", "demo") else None,
        )

    def of_the_folder(self) -> str:
        """A note on credentials that lie in the working directory and that nothing has loaded; "" for none."""
        from okxdoctor.surroundings.files import not_loaded

        folder = _here() if self.kind in ("live", "demo") else None
        given = {"api_key": self.api_key, "secret_key": self.secret_key, "passphrase": self.passphrase}
        unset = [name for name, one in given.items() if not one.value]
        return not_loaded(folder, unset) if folder is not None and unset else ""


def _here() -> Path | None:
    """The working directory; None where it has been removed."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _joined(servers: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    return tuple(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in servers)
