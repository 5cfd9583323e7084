"""From a question (:class:`~okxdoctor.port.Ask`) to its answer: site, signature, allow-list, ledger, veil.

okxdoctor only reads. That is not left to the checks: what is not on the list below does not leave this process. The one
exception is the order round trip, which has to be asked for and whose calls are in ``allowance``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from okxdoctor import __version__
from okxdoctor.check import Skip
from okxdoctor.port import Answer, Ask, Cell, Instant, LedgerRow, Phases, View
from okxdoctor.targets.config import Credentials
from okxdoctor.targets.live import content
from okxdoctor.targets.live.allowance import Allowance
from okxdoctor.targets.live.hosts import Place, cell_place, place_of
from okxdoctor.targets.live.ledger import Ledger, envelope_code, scope_of
from okxdoctor.targets.live.pacing import Pacing
from okxdoctor.targets.live.veil import Veil, veil_header

if TYPE_CHECKING:
    from okxdoctor.targets.live.http import HttpClient, Reply

API = "/api/v5/"

# POST paths that change nothing, with the reason; every other POST of this API does something.
HARMLESS_POSTS: Mapping[str, str] = {
    "/api/v5/trade/order-precheck": "computes what an order would do to margin and places none",
}


class NotReadOnly(Exception):
    """A check asked for a request that may change something: a defect of the check, not a fact of the world."""


def guard(ask: Ask, allowance: Allowance | None = None) -> None:
    """Raises NotReadOnly for anything but reading this API, and what ``allowance`` takes."""
    path = ask.path.partition("?")[0]
    if not ask.path.isascii() or any(ord(character) <= 32 or ord(character) == 127 for character in ask.path):
        raise NotReadOnly(f"{ask.method}: the path is not plain ASCII")
    if "#" in ask.path or "\\" in path or "//" in path or "/." in path or "%2e" in path.lower():
        raise NotReadOnly(f"{ask.method} {path}: the path would not arrive as it is written")
    match ask.method:
        case "GET" if path.startswith(API) and ask.body is None:
            return
        case "POST" if path in HARMLESS_POSTS:
            return
        case "POST" if allowance is not None and allowance.takes(ask):
            return
        case _:
            raise NotReadOnly(f"{ask.method} {path} is not on the list of requests that only read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Asks one site (or another cell of the matrix) over HTTP."""

    view: View
    credentials: Credentials | None
    clock: Callable[[], Instant]
    client: Callable[[], Awaitable[HttpClient]]
    ledger: Ledger
    pacing: Pacing
    veil: Veil
    timeout_s: float
    extra_headers: Mapping[str, str]
    allowance: Allowance | None = None

    async def __call__(self, ask: Ask) -> Answer:
        guard(ask, self.allowance)
        place, environment = self._where(ask.cell)
        credentials = self.credentials
        if ask.signed and (credentials is None or not credentials.complete):
            raise Skip("no API key is set")
        simulated = _simulated(ask.simulated, environment)
        signature: list[str] = []

        def headers() -> tuple[tuple[str, str], ...]:
            found = {
                "Host": place.authority,
                "Accept": "application/json",
                "Accept-Encoding": content.ACCEPTED,
                "User-Agent": f"okxdoctor/{__version__}",
                **self.extra_headers,
            }
            if ask.body is not None:
                found["Content-Type"] = "application/json"
                found["Content-Length"] = str(len(body))
            if simulated is not None:
                found["x-simulated-trading"] = simulated
            if ask.signed and credentials is not None:
                found |= self._signed(ask, credentials)
                signature.append(found["OK-ACCESS-SIGN"])
            return tuple(found.items())

        from okxdoctor.targets.live.http import Sending

        body = (ask.body or "").encode("utf-8")
        client = await self.client()
        turn = await self.pacing.request(place.authority, ask.method, ask.path) if ask.paced else None
        reply = await client.exchange(
            Sending(
                method=ask.method,
                scheme="https" if place.tls else "http",
                host=place.host,
                port=place.port,
                target=place.base + ask.path,
                headers=headers,
                body=body,
                fresh=ask.fresh,
                family=ask.family,
                timeout_s=ask.timeout_s if ask.timeout_s is not None else self.timeout_s,
            )
        )
        if turn is not None:
            turn.sent(None if reply.sent is None else reply.sent.mono_ns)
        return self._answer(ask, place, reply, tuple(signature))

    def _where(self, cell: str | None) -> tuple[Place, str]:
        if cell is None:
            return place_of(self.view.rest), self.view.environment
        found = find_cell(self.view, cell)
        return cell_place(found.rest_url), found.environment

    def _signed(self, ask: Ask, credentials: Credentials) -> dict[str, str]:
        from okxdoctor.okx.signing import signed_headers
        from okxdoctor.okx.timestamps import iso_from_epoch_ms

        now_ms = (self.clock().wall_ns + round(ask.shift_s * 1e9)) // 1_000_000
        return signed_headers(
            key=credentials.api_key.reveal(),
            secret=credentials.secret_key.reveal(),
            passphrase=credentials.passphrase.reveal(),
            timestamp=iso_from_epoch_ms(now_ms),
            method=ask.method,
            request_path=ask.path,
            body=ask.body or "",
        )

    def _answer(self, ask: Ask, place: Place, reply: Reply, signatures: tuple[str, ...]) -> Answer:
        def veiled(text: str) -> str:
            return self.veil(text, *signatures)

        headers = tuple((name, veiled(veil_header(name, value))) for name, value in reply.headers)
        by_name = dict(reversed(headers))
        coding = by_name.get("content-encoding", "").strip().lower()
        data, cut = content.undo(reply.body, coding)
        body = veiled(content.text(data, by_name.get("content-type", "")))
        failure = reply.failure
        if failure is not None and failure.detail:
            failure = type(failure)(kind=failure.kind, phase=failure.phase, detail=veiled(failure.detail))
        if reply.sent is not None:
            self.ledger.sent(
                LedgerRow(
                    at_mono_ns=reply.sent.mono_ns,
                    method=ask.method,
                    path=ask.path,
                    scope=scope_of(ask.method, ask.path),
                    status=reply.status,
                    code=envelope_code(body) if reply.status is not None else "",
                    connection=reply.connection,
                )
            )
        trail = reply.trail
        return Answer(
            method=ask.method,
            path=ask.path,
            url=f"{'https' if place.tls else 'http'}://{place.authority}{place.base}{ask.path}",
            status=reply.status,
            headers=headers,
            body=body,
            truncated=reply.cut or cut,
            http_version=reply.version,
            phases=Phases(
                resolve_ms=trail.resolve_ms,
                connect_ms=trail.connect_ms,
                handshake_ms=trail.handshake_ms,
                first_byte_ms=reply.first_byte_ms,
                body_ms=reply.body_ms,
                total_ms=reply.total_ms,
            ),
            sent_wall_ns=reply.sent.wall_ns if reply.sent else 0,
            received_wall_ns=reply.received.wall_ns if reply.received else 0,
            sent_mono_ns=reply.sent.mono_ns if reply.sent else 0,
            received_mono_ns=reply.received.mono_ns if reply.received else 0,
            reused=reply.status is not None and not reply.opened,
            failure=failure,
            signed=ask.signed,
            ended_after=trail.ended_after,
            retried=reply.retried,
            miscoded=bool(data) and coding not in ("", "identity") and data == reply.body[: len(data)],
        )


def find_cell(view: View, name: str) -> Cell:
    """The cell named ``site/environment``. An unknown name is a defect of the check that asks."""
    for cell in view.cells:
        if f"{cell.site}/{cell.environment}" == name:
            return cell
    raise LookupError(f"there is no cell {name!r}")


def _simulated(forced: bool | None, environment: str) -> str | None:
    """The x-simulated-trading header: of the environment, or forced; the live environment sends none by itself."""
    if forced is None:
        return "1" if environment == "demo" else None
    return "1" if forced else "0"
