"""The facts that cross the port: what probes get to see of the world. Frozen, JSON-able, nothing secret.

A failure is a value here (:class:`Failure`), never an exception. Units are in the names: ``_ms`` milliseconds, ``_s``
seconds, ``_ns`` nanoseconds. Wall-clock instants are integers of nanoseconds since the Unix epoch, or ISO-8601 text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# ---- failures -------------------------------------------------------------------------------

FailureKind = Literal[
    "dns", "refused", "timeout", "unreachable", "reset", "closed", "tls", "not-tls", "proxy", "protocol", "other"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an exchange of bytes did not happen.

    ``phase``: resolve | connect | proxy | handshake | send | first-byte | body | upgrade | receive.
    ``detail`` is short, redacted text of the operating system or library; never parsed for a verdict.
    """

    kind: FailureKind
    phase: str
    detail: str = ""


# ---- DNS, TCP, proxy ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A proxy that a role is reached through. ``url`` is redacted (``http://***@host:port``).

    ``source`` says where it was set: ``flag``, ``profile``, or ``env:HTTPS_PROXY``.
    """

    url: str
    scheme: str
    host: str
    port: int
    source: str
    has_credentials: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One resolver's answer for one name, both families.

    ``resolver``: ``system`` (what the program sees: getaddrinfo, or the first ``--dns-server``),
    or ``HOST:PORT`` of a server asked directly, or the URL of a DNS-over-HTTPS service.
    ``outcome``: ok | nxdomain | nodata | servfail | refused | timeout | error.
    ``unanswered``: how many times it was asked before and had no answer when this one came; ``elapsed_ms`` is of the
    question that was answered. ``again_ms``: how long it took when asked once more, where the first answer took long.
    ``in_turn``: other addresses that the same way gave when asked once more, where a server asked directly gave others.
    """

    name: str
    resolver: str
    outcome: Literal["ok", "nxdomain", "nodata", "servfail", "refused", "timeout", "error"]
    addresses: tuple[str, ...] = ()
    canonical: str | None = None
    elapsed_ms: float = 0.0
    detail: str = ""
    unanswered: int = 0
    again_ms: float | None = None
    in_turn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """One TCP connection attempt to one address. ``errno`` is the symbolic name (ECONNREFUSED)."""

    address: str
    port: int
    family: Literal["v4", "v6"]
    outcome: Literal["connected", "refused", "timeout", "unreachable", "reset", "error"]
    elapsed_ms: float = 0.0
    errno: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyDial:
    """One attempt to reach a host through the proxy.

    ``outcome``: established | refused | timeout | unreachable | name-not-found (of the proxy) | status
    (the proxy answered CONNECT with ``status``) | auth-required (407, or SOCKS method refused) | not-proxy
    (what answered is not a proxy of the configured scheme) | closed. ``speaks`` says what the peer turned out to speak
    (``http``, ``tls``, ``socks5``, ``""`` unknown) when that was seen.
    """

    route: Route
    target: str
    outcome: Literal[
        "established",
        "refused",
        "timeout",
        "unreachable",
        "name-not-found",
        "status",
        "auth-required",
        "not-proxy",
        "closed",
    ]
    status: int | None = None
    reason: str = ""
    speaks: str = ""
    dials: tuple[Dial, ...] = ()
    elapsed_ms: float = 0.0


# ---- TLS ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate as sent. Dates are ISO-8601 UTC; ``names`` are SAN DNS names and addresses."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    serial: str
    sha256: str
    key_type: str
    key_bits: int
    signature_hash: str
    is_ca: bool
    self_issued: bool
    aia_issuers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether the sent chain leads to a root of one store, dates and names left out of it.

    ``store``: in-use (what this configuration verifies with) | system | bundled (certifi) | in-use+aia (with
    the issuer fetched) . ``code`` is OpenSSL's X509 verify code (0 = ok), ``message`` its text.
    """

    store: Literal["in-use", "system", "bundled", "in-use+aia"]
    ok: bool
    code: int = 0
    message: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """One TLS handshake, certificates taken whether or not they verify.

    ``outcome``: ok | alert (``alert`` names it as RFC 8446 §6: ``protocol_version``) | reset | closed | timeout |
    not-tls (``plain`` holds up to 80 printable characters of what came) | error.
    ``version``: TLSv1.3 …, "" where none was agreed on.
    ``refused``: what a client with the ciphers of today said to the same server, where this attempt had to offer
    others; "" where it was not asked, or agrees. ``asks_certificate``: the server wanted one of the client.
    ``began``: a handshake that was cut off had begun, something of TLS had come from the server.
    """

    host: str
    server_name: str
    address: str
    port: int
    outcome: Literal["ok", "alert", "reset", "closed", "timeout", "not-tls", "error"]
    alert: str = ""
    version: str = ""
    cipher: str = ""
    alpn: str = ""
    chain: tuple[Certificate, ...] = ()
    verifications: tuple[Verification, ...] = ()
    aia_fetched: tuple[str, ...] = ()
    plain: str = ""
    detail: str = ""
    refused: str = ""
    asks_certificate: bool = False
    began: bool = False
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStore:
    """The store this configuration verifies with. ``problem``: "" | missing | unreadable | empty | not-pem."""

    source: str
    path: str
    certificates: int
    problem: str = ""


# ---- HTTP -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One HTTP request. The far side signs it when ``signed``; only read-only calls pass its allow-list.

    ``path`` is the request path with its query exactly as it goes on the wire. ``simulated``: None sends the
    environment's own x-simulated-trading header, True/False force it. ``cell`` picks another site. ``shift_s`` is
    added to the timestamp (0 uses the local clock as it is, as the user's program would). ``fresh`` opens a new
    connection. ``paced``: it waits until less than half of its documented budget is used.
    """

    method: Literal["GET", "POST"]
    path: str
    body: str | None = None
    signed: bool = False
    simulated: bool | None = None
    cell: str | None = None
    shift_s: float = 0.0
    fresh: bool = False
    family: Literal["any", "v4", "v6"] = "any"
    timeout_s: float | None = None
    paced: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Where the time of one request went, milliseconds; None where not observable (reused, replayed)."""

    resolve_ms: float | None = None
    connect_ms: float | None = None
    handshake_ms: float | None = None
    first_byte_ms: float | None = None
    body_ms: float | None = None
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one :class:`Ask`: a response, or a failure (then ``status`` is None).

    ``headers`` are lower-case name/value pairs in order, cookies and anything secret redacted. ``body`` is decoded text
    (at most 2 MB; ``truncated`` says cut, or shorter than Content-Length). ``sent_wall_ns``, ``received_wall_ns``: wall
    clock just before sending and just after the first byte of the answer; ``sent_mono_ns`` likewise, monotonic.
    ``ended_after``: an HTTP/2 connection was ended by the server after so many requests while this one was on it.
    ``retried``: it was asked again, because a used connection ended without an answer. ``miscoded``: the body is not in
    the content coding that its header names.
    """

    method: str
    path: str
    url: str
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    truncated: bool = False
    http_version: str = ""
    phases: Phases = Phases()
    sent_wall_ns: int = 0
    received_wall_ns: int = 0
    sent_mono_ns: int = 0
    received_mono_ns: int = 0
    reused: bool = False
    failure: Failure | None = None
    signed: bool = False
    ended_after: int | None = None
    retried: bool = False
    miscoded: bool = False

    def header(self, name: str) -> str | None:
        """The first value of a header, by lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One request that this process sent: the own side of every rate-limit question."""

    at_mono_ns: int
    method: str
    path: str
    scope: str
    status: int | None
    code: str
    connection: int = 0


# ---- WebSocket ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of a conversation. ``at_ms`` since the socket was asked for; close has ``code`` and reason."""

    direction: Literal["sent", "received"]
    kind: Literal["text", "binary", "ping", "pong", "close"]
    at_ms: float
    text: str = ""
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How the upgrade went: ``ok``, or the HTTP status that came instead, or a failure.

    ``held_ms``: how long it was held back, because connections are limited; no part of ``elapsed_ms``.
    """

    url: str
    ok: bool
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    extensions: str = ""
    failure: Failure | None = None
    elapsed_ms: float = 0.0
    held_ms: float = 0.0


# ---- clock ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """Both clocks read together."""

    wall_ns: int
    mono_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NtpAnswer:
    """One NTP server's answer. ``offset_s`` = server minus local; ``delay_s`` the round trip.

    ``outcome``: ok | timeout | unreachable | name-not-found | kiss (``kiss`` holds the code) | unsynchronised (leap 3
    or stratum 0/16) | bogus (origin timestamp not ours, or not a server packet).
    """

    server: str
    address: str
    outcome: Literal["ok", "timeout", "unreachable", "name-not-found", "kiss", "unsynchronised", "bogus"]
    offset_s: float = 0.0
    delay_s: float = 0.0
    stratum: int = 0
    leap: int = 0
    root_delay_s: float = 0.0
    root_dispersion_s: float = 0.0
    kiss: str = ""


# ---- the user's machine (offline) -----------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialShape:
    """What can be said of one credential without saying the credential.

    ``field``: api_key | secret_key | passphrase. ``source``: ``env:OKX_API_KEY``, ``profile:NAME (FILE)``, ``keyring``,
    or "".
    ``looks_like``: uuid | hex32 | other | empty. ``blemishes``: any of leading-space, trailing-space, newline,
    bom, quotes, placeholder, non-ascii, control. ``equals``: other fields with the very same value.
    """

    field: Literal["api_key", "secret_key", "passphrase"]
    source: str
    present: bool
    length: int
    looks_like: Literal["uuid", "hex32", "other", "empty"]
    blemishes: tuple[str, ...] = ()
    equals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mangling:
    """A member whose raw text differs from its parsed value: ``how`` says why ("an unquoted # starts a comment").

    Not a pair of name and text: that is what the redaction takes for a credential beside its value.
    """

    member: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """One configuration file that was read. ``mode`` is the permission bits in octal ("0644")."""

    path: str
    kind: str
    exists: bool
    mode: str = ""
    readable_by_others: bool = False
    tracked_by_git: bool = False
    holds_secrets: bool = False
    mangled: tuple[Mangling, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The machine and configuration as the run sees them, nothing secret in it.

    ``tls_off``: the settings or variables that disable certificate verification, as text.
    ``packages``: (distribution, version) of installed packages that OKX clients live on.
    ``import_owner``: which distribution provides the import name ``okx`` ("" none).
    ``proxy_variables``: (variable, redacted value).
    """

    python: str
    platform: str
    credentials: tuple[CredentialShape, ...]
    files: tuple[ConfigFile, ...]
    tls_off: tuple[str, ...]
    packages: tuple[tuple[str, str], ...]
    import_owner: str
    proxy_variables: tuple[tuple[str, str], ...]


# ---- records that one check offers to others ------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBasis:
    """Trusted time as the clock check established it: true time minus local wall clock lies in [low, high]."""

    low_s: float
    high_s: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """Whether REST accepted the key: ``accepted``, refused with ``code``, or ``undecided`` (no answer that tells)."""

    standing: Literal["accepted", "refused", "undecided"]
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """What account/config said of the key and the account. ``ip``: the key's list, None where it told none."""

    uid: str
    perm: tuple[str, ...]
    ip: tuple[str, ...] | None
    acct_lv: str
    pos_mode: str
    kyc_lv: str
    account_type: str
