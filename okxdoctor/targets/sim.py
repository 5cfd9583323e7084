"""The target ``sim``: the embedded exchange on loopback, and a made-up machine that looks at it.

What runs against it is the live target, unchanged. Only addresses, trust, and the circumstances of the machine
come from here; and even those pass through the same settings code as a user's own.
"""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from okxdoctor.exchange.faults.model import Injected
from okxdoctor.port import Ask, Cell, Io
from okxdoctor.redact import Redactor
from okxdoctor.settings import Flags, Settings, UsageProblem, resolve
from okxdoctor.targets.config import TargetConfig
from okxdoctor.targets.world import FAULTS, Key, World, build_world

if TYPE_CHECKING:
    from okxdoctor.exchange import Info

FILES = 64
"""Descriptors that doctor and exchange need together; a whole run uses about fifty (measured on Linux)."""

ONE_OPERATION_S = 2.5
"""One connect, handshake or answer on loopback may take this long: long enough for what the faults delay, short
enough that a silent peer does not make a run of the test suite slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimWorld:
    """A running exchange as a target's configuration, and the redaction point that knows its secrets."""

    config: TargetConfig
    redactor: Redactor
    settings: Settings
    own_burst: int

    def company(self, io: Io) -> AbstractAsyncContextManager[None]:
        """Whoever else uses the same connections while the run goes on: the user's own program."""
        return _company(io, self.own_burst)


def split_faults(texts: Sequence[str]) -> tuple[tuple[Injected, ...], tuple[Injected, ...]]:
    """Faults of the exchange and faults of the machine. Raises UsageProblem for what is neither."""
    from okxdoctor.exchange.faults import BadFaultValue, UnknownFault, parse

    own = {fault.name for fault in FAULTS}
    theirs: list[Injected] = []
    ours: list[Injected] = []
    for text in texts:
        try:
            injected = parse(text, more=FAULTS)
        except (UnknownFault, BadFaultValue) as problem:
            raise UsageProblem(f"--fault: {problem}", "okxdoctor list faults") from None
        (ours if injected.name in own else theirs).append(injected)
    return tuple(theirs), tuple(ours)


@asynccontextmanager
async def sim_world(settings: Settings) -> AsyncIterator[SimWorld]:
    """Start the exchange, lay out the machine, resolve its settings; take all of it away at the end."""
    from okxdoctor.exchange import running

    theirs, ours = split_faults(settings.faults)
    _need_files()
    with tempfile.TemporaryDirectory(prefix="okxdoctor-", ignore_cleanup_errors=True) as folder:
        async with running(seed=settings.seed, faults=theirs) as exchange:
            info = exchange.info
            world = _world(info, (*theirs, *ours), Path(folder))
            inner = resolve(_flags(settings, info, world), world.environ, world.home)
            yield SimWorld(
                config=_config(settings, inner, info, world),
                redactor=inner.redactor().also((info.api_key, info.secret_key, info.passphrase)),
                settings=inner,
                own_burst=world.own_burst,
            )


def _need_files() -> None:
    """Room for the sockets of both sides in one process: an exchange that can open none would answer as if it were
    broken. Raises OSError where the system's limit leaves too little."""
    try:
        import resource
    except ImportError:  # a limit of POSIX
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= FILES:
        return
    if hard != resource.RLIM_INFINITY and hard < FILES:
        raise OSError(errno.EMFILE, f"this process may open {hard} files (ulimit -n) and needs {FILES} for both sides")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))


def _world(info: Info, on: Sequence[Injected], folder: Path) -> World:
    through_proxy = info.proxy_in_use or any(each.name == "proxy-split" for each in on)
    named = urlsplit(info.named_rest_url)
    return build_world(
        on,
        folder,
        key=_key(info, on),
        rest_url=info.named_rest_url,
        ws_host=urlsplit(info.named_ws_url).hostname or "",
        port=named.port or 443,
        ca_file=info.ca_file,
        proxy_url=info.proxy_url if through_proxy else None,
    )


def _key(info: Info, on: Sequence[Injected]) -> Key:
    """The key in the user's profile: the default one, or one that was made on another site."""
    home = next((each.value for each in on if each.name == "region-wrong-rest-host"), None)
    for site in info.sites:
        if (site.name, site.environment) == (home, "live"):
            return Key(api_key=site.api_key, secret_key=site.secret_key, passphrase=site.passphrase)
    return Key(api_key=info.api_key, secret_key=info.secret_key, passphrase=info.passphrase)


def _flags(settings: Settings, info: Info, world: World) -> Flags:
    """What a user of the exchange would type, with what this user typed."""
    return Flags(
        rest_url=None if world.rest_url_from_file else world.rest_url,
        ws_url=None if world.ws_url_from_file else info.named_ws_url,
        ca_file=world.ca_file,
        dns_servers=(info.dns_server, info.independent_dns_server),
        ntp_servers=tuple(info.ntp_servers),
        need=",".join(settings.need) or None,
        instruments=settings.instruments,
        product=settings.product,
        trade_mode=settings.trade_mode,
        timeout_s=settings.timeout_s,
        deadline_s=settings.deadline_s,
        burst=settings.burst,
        # Without orders of his own, the user of the exchange is about to send those of its made-up user.
        orders=() if settings.orders else (str(world.orders_file),),
    )


def _config(settings: Settings, inner: Settings, info: Info, world: World) -> TargetConfig:
    from okxdoctor.surroundings import gather

    def surroundings() -> object:
        return gather(
            credentials=(
                ("api_key", inner.api_key),
                ("secret_key", inner.secret_key),
                ("passphrase", inner.passphrase),
            ),
            files=inner.files,
            tls_off=inner.tls_off,
            environ=world.environ,
            search_path=world.search_path,
        )

    config = inner.target_config(surroundings=surroundings)  # type: ignore[arg-type]
    cells = tuple(
        Cell(
            site=site.name,
            environment="demo" if site.environment == "demo" else "live",
            rest_url=site.named_rest_url,
            ws_url=site.named_ws_url,
        )
        for site in info.sites
    )
    view = replace(
        config.view,
        kind="sim",
        site="global",
        addresses="loopback",
        legacy_ws_port=info.legacy_ws_port,
        cells=cells,
        burst=settings.burst,
        orders=settings.drafts or config.view.orders,
        demo_orders=settings.demo_orders,
    )
    plain = urlsplit(info.plain_rest_url)
    return replace(
        config,
        view=view,
        timeout_s=min(ONE_OPERATION_S, settings.timeout_s / 2),
        control_addresses=((plain.hostname or "127.0.0.1", plain.port or 80),),
        # This exchange was started for this run and ends with it.
        alone=True,
        clock=world.clock,
        trust_environ=world.environ,
    )


@asynccontextmanager
async def _company(io: Io, burst: int) -> AsyncIterator[None]:
    """The user's own program: it asks for tickers in bursts, over the same connections and so in the same ledger."""
    if not burst:
        yield
        return

    async def ask() -> None:
        while True:
            path = "/api/v5/market/ticker?instId=BTC-USDT"
            await asyncio.gather(*(io.http(Ask(method="GET", path=path, paced=False)) for _ in range(burst)))
            await io.sleep(0.5)

    program = asyncio.ensure_future(ask())
    try:
        await io.sleep(0.3)
        yield
    finally:
        program.cancel()
        await asyncio.gather(program, return_exceptions=True)
