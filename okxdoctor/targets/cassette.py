"""Cassettes: the HTTP part of a run in vcrpy's format, redacted before it is written, and replayed.

A cassette is an ordinary vcrpy file; ``metadata.okxdoctor`` beside the interactions says what it was recorded
from and, for the shipped stories, which causes it must give. Recording and replay work on the answers that cross
the port, so nothing is patched and nothing secret is in reach: requests carry no OK-ACCESS header at all, only
``x-okxdoctor-signed: yes`` to tell a signed request from a public one.

What a cassette does not hold (names, connections, TLS, WebSocket, time servers) is skipped, with that reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, cast

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.files import read_bounded, write_whole
from okxdoctor.model import Attempt, TargetName
from okxdoctor.port import Answer, Ask, Cell, Instant, Io, LedgerRow, Phases, View

T = TypeVar("T")
LARGEST_BYTES = 16_000_000
SIGNED = "x-okxdoctor-signed"
SIMULATED = "x-simulated-trading"
ONLY_HTTP = "a cassette holds the HTTP part only"


class BadCassette(Exception):
    """The file is no cassette that can be replayed. The text is one clear line."""


def _wire_headers(ask: Ask, view: View) -> dict[str, str]:
    """The headers that tell one recorded request from another."""
    demo = ask.simulated if ask.simulated is not None else _cell_environment(ask, view) == "demo"
    headers = {SIMULATED: "1"} if demo else {}
    if ask.signed:
        headers[SIGNED] = "yes"
    return headers


def _cell_environment(ask: Ask, view: View) -> str:
    if ask.cell is None:
        return view.environment
    return ask.cell.rpartition("/")[2]


def _url(ask: Ask, view: View) -> str:
    if ask.cell is None:
        return view.rest.url + ask.path
    for cell in view.cells:
        if f"{cell.site}/{cell.environment}" == ask.cell:
            return cell.rest_url + ask.path
    raise Skip(f"there is no site {ask.cell} in this recording")


def _same_headers(one: Any, other: Any) -> None:
    for name in (SIMULATED, SIGNED):
        if one.headers.get(name) != other.headers.get(name):
            raise AssertionError(f"{name} differs")


def _same_body(one: Any, other: Any) -> None:
    if (one.body or b"") != (other.body or b""):
        raise AssertionError("body differs")


def _cassette(path: Path, *, replay: bool) -> Any:
    from vcr.cassette import Cassette
    from vcr.matchers import method, uri
    from vcr.record_mode import RecordMode

    return Cassette(
        str(path),
        record_mode=RecordMode.NONE if replay else RecordMode.ALL,
        match_on=(method, uri, _same_headers, _same_body),
    )


# ---- recording ------------------------------------------------------------------------------


class Recorder:
    """Wraps a target's Io and keeps every HTTP answer; ``save`` writes the cassette.

    ``redact`` passes over every text before it is kept. A request that failed before an answer came is not kept: a
    cassette has no form for it.
    """

    def __init__(self, io: Io, path: Path, redact: Callable[[str], str]) -> None:
        self._io = io
        self._path = path
        self._redact = redact
        self._kept: list[tuple[Ask, Answer]] = []
        self._started = io.now()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._io, name)

    def as_io(self) -> Io:
        """What it does not do itself is the wrapped Io's."""
        return cast(Io, self)

    async def http(self, ask: Ask) -> Answer:
        answer = await self._io.http(ask)
        if answer.failure is None and answer.status is not None:
            self._kept.append((ask, answer))
        return answer

    def save(self, *, story: str = "", causes: tuple[str, ...] = ()) -> None:
        """Write the file whole, or leave what was there. Raises OSError."""
        import tempfile

        view = self._io.view
        with tempfile.TemporaryDirectory(prefix="okxdoctor-") as folder:
            whole = Path(folder) / "cassette.yaml"
            self._tape(whole, view, story, causes)._save(force=True)
            write_whole(self._path, whole.read_text("utf-8"), mode=0o644)

    def _tape(self, path: Path, view: View, story: str, causes: tuple[str, ...]) -> Any:
        from vcr.request import Request

        tape = _cassette(path, replay=False)
        tape.get_metadata("okxdoctor", self._metadata(view, story, causes))
        for ask, answer in self._kept:
            body = ask.body.encode() if ask.body is not None else None
            request = Request(ask.method, self._redact(_url(ask, view)), body, _wire_headers(ask, view))
            headers: dict[str, list[str]] = {}
            for name, value in answer.headers:
                if name not in ("content-encoding", "content-length", "transfer-encoding", "set-cookie"):
                    headers.setdefault(name, []).append(self._redact(value))
            tape.append(
                request,
                {
                    "status": {"code": answer.status, "message": ""},
                    "headers": headers,
                    "body": {"string": self._redact(answer.body).encode()},
                },
            )
        return tape

    def _metadata(self, view: View, story: str, causes: tuple[str, ...]) -> dict[str, Any]:
        return {
            "format": 1,
            "story": story,
            "causes": list(causes),
            "recorded_wall_ns": self._started.wall_ns,
            "kind": view.kind,
            "site": view.site,
            "environment": view.environment,
            "rest_url": view.rest.url,
            "ws_url": view.ws.url,
            "credentials": view.credentials,
            "need": list(view.need),
            "instruments": list(view.instruments),
            "declared_specs": [list(row) for row in view.declared_specs],
            "cells": [[c.site, c.environment, c.rest_url, c.ws_url] for c in view.cells],
        }


# ---- replay ---------------------------------------------------------------------------------


class CassetteIo:
    """The port with a recording behind it."""

    def __init__(self, view: View, tape: Any, recorded_wall_ns: int) -> None:
        self._view = view
        self._tape = tape
        self._recorded_ns = recorded_wall_ns
        self._begun_ns = time.monotonic_ns()
        self._rows: list[LedgerRow] = []

    @property
    def view(self) -> View:
        return self._view

    def now(self) -> Instant:
        """The time of the recording, running on from there: windows and expiries are judged as they stood."""
        mono = time.monotonic_ns()
        return Instant(wall_ns=self._recorded_ns + mono - self._begun_ns, mono_ns=mono)

    async def sleep(self, seconds: float) -> None:
        """Nothing moves in a recording, so nothing is waited for."""

    async def given(self, record: type[T]) -> T | None:
        return None

    async def settled(self) -> None: ...

    def ledger(self) -> tuple[LedgerRow, ...]:
        return tuple(self._rows)

    async def http(self, ask: Ask) -> Answer:
        from vcr.errors import UnhandledHTTPRequestError
        from vcr.request import Request

        if ask.signed and not self._view.credentials:
            raise Skip("no API key is set")
        url = _url(ask, self._view)
        body = ask.body.encode() if ask.body is not None else None
        request = Request(ask.method, url, body, _wire_headers(ask, self._view))
        try:
            recorded = self._tape.play_response(request)
        except UnhandledHTTPRequestError:
            try:
                recorded = self._tape.responses_of(request)[-1]
            except UnhandledHTTPRequestError:
                raise Inconclusive(f"the recording holds no answer to {ask.method} {ask.path}") from None
        return self._answer(ask, url, recorded)

    def _answer(self, ask: Ask, url: str, recorded: Mapping[str, Any]) -> Answer:
        now = self.now()
        text = recorded["body"]["string"].decode("utf-8", "replace")
        headers = tuple(
            (str(name).lower(), str(value))
            for name, values in recorded["headers"].items()
            for value in (values if isinstance(values, list) else [values])
        )
        status = int(recorded["status"]["code"])
        self._rows.append(
            LedgerRow(
                at_mono_ns=now.mono_ns,
                method=ask.method,
                path=ask.path,
                scope="",
                status=status,
                code=_code(text),
            )
        )
        return Answer(
            method=ask.method,
            path=ask.path,
            url=url,
            status=status,
            headers=headers,
            body=text,
            phases=Phases(),
            sent_wall_ns=now.wall_ns,
            received_wall_ns=now.wall_ns,
            sent_mono_ns=now.mono_ns,
            received_mono_ns=now.mono_ns,
            reused=True,
            signed=ask.signed,
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _not_recorded


async def _not_recorded(*args: Any, **kwargs: Any) -> NoReturn:
    raise Skip(ONLY_HTTP)


def _code(text: str) -> str:
    import json

    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return str(envelope.get("code", "")) if isinstance(envelope, dict) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CassetteTarget:
    """A recording as a target of the runner. ``story`` and ``causes`` are what its metadata promises."""

    name: TargetName
    io: Io
    story: str
    causes: tuple[str, ...]
    saved: Mapping[str, Attempt] | None = None

    @property
    def effort(self) -> tuple[int, int]:
        return len(self.io.ledger()), 0


def find_cassette(text: str) -> Path:
    """The file of that path, or the shipped story of that name (``healthy``)."""
    path = Path(text)
    if path.is_file() or "/" in text or not text.replace("-", "").isalnum():
        return path
    for folder in (Path(__file__).parents[1] / "_cassettes", Path(__file__).parents[2] / "cassettes"):
        shipped = folder / f"{text}.yaml"
        if shipped.is_file():
            return shipped
    return path


def read_cassette(path: Path, need: tuple[str, ...] = (), instruments: tuple[str, ...] = ()) -> CassetteTarget:
    """Read a cassette. What the user named as needs and instruments wins over what was recorded.

    Raises BadCassette with one clear line.
    """
    tape = _load(path)
    about = tape._metadata.get("okxdoctor")
    if not isinstance(about, dict) or about.get("format") != 1:
        raise BadCassette(f"{path}: a vcrpy file without okxdoctor's metadata; record it with --record")
    try:
        view = _view(about, need, instruments)
        recorded_ns = int(about["recorded_wall_ns"])
        story, causes = str(about.get("story", "")), tuple(str(code) for code in about.get("causes", ()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadCassette(f"{path}: its metadata is not whole ({type(error).__name__}: {error})") from None
    io = CassetteIo(view, tape, recorded_ns)
    name = TargetName(kind="cassette", site=view.site, rest=view.rest.url, ws=view.ws.url, environment=view.environment)
    return CassetteTarget(name=name, io=cast(Io, io), story=story, causes=causes)


def _load(path: Path) -> Any:
    try:
        if path.exists() and not path.is_file():
            raise BadCassette(f"{path}: not a file")
        if not read_bounded(path, LARGEST_BYTES).strip():
            raise BadCassette(f"{path}: empty")
    except OSError as error:
        raise BadCassette(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from None
    import yaml

    tape = _cassette(path, replay=True)
    try:
        tape._load()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError) as error:
        first = (str(error).splitlines() or [""])[0][:100]
        raise BadCassette(f"{path}: not a cassette ({type(error).__name__}: {first})") from None
    if not tape.rewound:
        raise BadCassette(f"{path}: not a cassette (not UTF-8 text, or empty)")
    return tape


def _view(about: Mapping[str, Any], need: tuple[str, ...], instruments: tuple[str, ...]) -> View:
    from okxdoctor.settings.addresses import endpoint

    environment: Literal["live", "demo"] = "demo" if about["environment"] == "demo" else "live"
    specs = tuple((str(a), str(b), str(c)) for a, b, c in about.get("declared_specs", ()))
    cells = tuple(
        Cell(site=str(site), environment="demo" if env == "demo" else "live", rest_url=str(rest), ws_url=str(ws))
        for site, env, rest, ws in about.get("cells", ())
    )
    return View(
        kind="cassette",
        site=str(about["site"]),
        environment=environment,
        rest=endpoint("rest", str(about["rest_url"]), "the cassette"),
        ws=endpoint("ws", str(about["ws_url"]), "the cassette"),
        addresses="any",
        declared_hosts=True,
        legacy_ws_port=0,
        credentials=bool(about["credentials"]),
        need=need or tuple(map(str, about.get("need", ()))),
        instruments=instruments or tuple(map(str, about.get("instruments", ()))),
        product=None,
        trade_mode=None,
        declared_specs=specs,
        burst=False,
        rest_route=None,
        ws_route=None,
        ca_file=None,
        dns_servers=(),
        ntp_servers=(),
        ntp_declared=False,
        control_name="",
        cells=cells,
    )
