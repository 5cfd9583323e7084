"""From settings to addresses: site or own URLs, which answers are right for them, and which way leads there."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from okxdoctor.files import named as named_file
from okxdoctor.files import read_bounded
from okxdoctor.port import Cell, Endpoint, Role
from okxdoctor.settings.addresses import endpoint, host_port, is_literal, is_loopback, shown_host_port
from okxdoctor.settings.flags import Flags
from okxdoctor.settings.layers import Layers
from okxdoctor.settings.problem import UsageProblem
from okxdoctor.settings.routes import WayOut, from_environment, through
from okxdoctor.settings.sites import Site, home_of, sites
from okxdoctor.settings.values import Addresses, Given, SettingRow

REST_VARIABLES = ("OKX_BASE_URL", "OKX_API_BASE_URL")
WS_VARIABLES = ("OKX_WS_URL",)

# Public servers of four independent operators, none of them smearing leap seconds; chosen, not prescribed.
NTP_SERVERS = (
    ("time.cloudflare.com", 123),
    ("ntp.nict.jp", 123),
    ("ptbtime1.ptb.de", 123),
    ("time.apple.com", 123),
)
DOH_URLS = ("https://cloudflare-dns.com/dns-query", "https://dns.google/dns-query")
LARGEST_CA_BYTES = 16_000_000
TEST_CONTROL_NAME = "control.okxdoctor.test"


def find_addresses(
    flags: Flags, layers: Layers, environment: Literal["live", "demo"]
) -> tuple[Addresses, list[SettingRow]]:
    """The addresses of a live or demo target, and the rows that say where each came from."""
    from okxdoctor.knowledge import hosts

    known, published = hosts(), sites()
    named = layers.text(flags.site, ("OKX_SITE",), ("site",))
    if named is not None:
        named = layers.one_of(named, tuple(published), "--site")
    site = published[named.value if named else "global"]

    rest_given = layers.text(flags.rest_url, REST_VARIABLES, ("rest_url", "base_url"))
    ws_given = layers.text(flags.ws_url, WS_VARIABLES, ("ws_url",))
    rest_given = None if _outranked(rest_given, named, "rest") else rest_given
    ws_given = None if _outranked(ws_given, named, "ws") else ws_given
    rest, rest_source = _rest(rest_given, site, named)
    ws, ws_source = _ws(ws_given, rest_given, rest, site, environment, named)
    _refuse_plain(rest, rest_given, "--rest-url")
    _refuse_plain(ws, ws_given, "--ws-url")
    own = _site_urls(flags.site_urls)
    cells = _cells(rest_given, named, rest, published, own)

    dns = layers.texts(flags.dns_servers, ("dns_servers",))
    ntp = layers.texts(flags.ntp_servers, ("ntp_servers",))
    ca_file = layers.text(flags.ca_file, (), ("ca_file",))
    if ca_file is not None and ca_file.source == "flag":
        _look_at_ca(str(named_file(ca_file.value)))
    rest_way, ws_way = _ways(flags, layers, rest, ws)
    expect = _expected(rest)
    addresses = Addresses(
        site=_site_name(rest, named, rest_given, own),
        rest=rest,
        ws=ws,
        cells=cells,
        expect=expect,
        declared_hosts=_declared(rest, rest_given) or _declared(ws, ws_given),
        legacy_ws_port=known.legacy_ws_port.port,
        dns_servers=tuple(host_port(text, _where(dns, "--dns-server"), 53) for text in dns.value) if dns else (),
        ntp_servers=tuple(host_port(text, _where(ntp, "--ntp-server"), 123) for text in ntp.value)
        if ntp
        else NTP_SERVERS,
        ntp_declared=ntp is not None,
        doh_urls=DOH_URLS if expect == "global" and dns is None else (),
        ca_file=str(named_file(ca_file.value)) if ca_file else None,
        control_name=TEST_CONTROL_NAME if _is_test(rest.host) else known.control.names[0],
        control_addresses=()
        if expect == "loopback"
        else tuple(host_port(text, "control", 443) for text in (*known.control.addresses, *known.control.addresses_v6)),
        rest_way=rest_way,
        ws_way=ws_way,
    )
    rows = [
        SettingRow(name="site", shown=addresses.site, source=named.source if named else _site_source(rest_given)),
        SettingRow(name="rest_url", shown=rest.url, source=rest_source),
        SettingRow(name="ws_url", shown=ws.url, source=ws_source),
        SettingRow(name="rest_proxy", shown=rest_way.shown, source=rest_way.source),
        SettingRow(name="ws_proxy", shown=ws_way.shown, source=ws_way.source),
        SettingRow(
            name="ca_file",
            shown=addresses.ca_file or "(default store)",
            source=ca_file.source if ca_file else "default",
        ),
        SettingRow(
            name="dns_servers",
            shown=_shown(addresses.dns_servers) or "(the system's)",
            source=dns.source if dns else "default",
        ),
        SettingRow(name="ntp_servers", shown=_shown(addresses.ntp_servers), source=ntp.source if ntp else "default"),
    ]
    return addresses, rows


def _refuse_plain(place: Endpoint, given: Given[str] | None, flag: str) -> None:
    """OKX's own hosts are never spoken to without TLS: key and passphrase would travel where anyone can read them."""
    if given is not None and not place.tls and home_of(place.host) is not None:
        secure = f"{'https' if place.role == 'rest' else 'wss'}://{place.host}"
        raise UsageProblem(f"{_where(given, flag)}: {place.scheme}:// would send the key unencrypted", secure)


def _outranked(given: Given[str] | None, named: Given[str] | None, role: Role) -> bool:
    """Whether an address of a lower layer belongs to another site than the one that is named above it: a profile's
    base_url must not keep REST where ``--site`` leaves it. A gateway belongs to no site, and stays."""
    if given is None or named is None or _rank(given) >= _rank(named):
        return False
    return home_of(endpoint(role, given.value, given.source).host) not in (None, named.value)


def _rank(given: Given[str]) -> int:
    return 2 if given.source == "flag" else 1 if given.source.startswith("env:") else 0


def _rest(given: Given[str] | None, site: Site, named: Given[str] | None) -> tuple[Endpoint, str]:
    if given is None:
        return endpoint("rest", site.rest, "site"), named.source if named else "default"
    return endpoint("rest", given.value, _where(given, "--rest-url")), given.source


def _ws(
    given: Given[str] | None,
    rest_given: Given[str] | None,
    rest: Endpoint,
    site: Site,
    environment: Literal["live", "demo"],
    named: Given[str] | None,
) -> tuple[Endpoint, str]:
    if given is not None:
        return endpoint("ws", given.value, _where(given, "--ws-url")), given.source
    home = sites().get(home_of(rest.host) or "") if rest_given is not None and named is None else None
    if rest_given is not None and named is None and home is None:
        # A gateway, or the embedded exchange: one host for both.
        scheme = "wss" if rest.tls else "ws"
        url = f"{scheme}://{shown_host_port(rest.host, rest.port)}{rest.base}"
        return endpoint("ws", url, "--rest-url"), "derived from rest_url"
    site = home or site
    base = site.ws if environment == "live" else site.demo_ws
    if not base:
        kind = "WebSocket" if environment == "live" else "demo WebSocket"
        raise UsageProblem(f"the {kind} address of site {site.name} is not published", "give it by --ws-url")
    return endpoint(
        "ws", base, "site"
    ), named.source if named else "default" if home is None else "the site of rest_url"


def _site_urls(texts: tuple[str, ...]) -> dict[str, tuple[Cell, Cell]]:
    """``NAME=REST_URL[,WS_URL[,DEMO_WS_URL]]``; what is left out is not known and stays empty."""
    found: dict[str, tuple[Cell, Cell]] = {}
    for text in texts:
        name, equals, urls = text.partition("=")
        parts = urls.split(",")
        if not equals or not name.strip() or not 1 <= len(parts) <= 3 or not parts[0]:
            raise UsageProblem(f"--site-url: {text!r} is not NAME=REST_URL[,WS_URL[,DEMO_WS_URL]]")
        name = name.strip()
        if name in found:
            raise UsageProblem(f"--site-url: {name!r} is given twice")
        rest = endpoint("rest", parts[0], f"--site-url {name}").url
        ws, demo = (endpoint("ws", p, f"--site-url {name}").url if p else "" for p in (*parts[1:], "", "")[:2])
        found[name] = (
            Cell(site=name, environment="live", rest_url=rest, ws_url=ws),
            Cell(site=name, environment="demo", rest_url=rest, ws_url=demo),
        )
    return found


def _cells(
    rest_given: Given[str] | None,
    named: Given[str] | None,
    rest: Endpoint,
    published: dict[str, Site],
    own: dict[str, tuple[Cell, Cell]],
) -> tuple[Cell, ...]:
    """The matrix that tells which site a key belongs to. Of an undeclared gateway only what was given is known."""
    foreign = rest_given is not None and named is None and home_of(rest.host) is None
    matrix = {} if foreign else {name: site.cells() for name, site in published.items()}
    return tuple(cell for cells in {**matrix, **own}.values() for cell in cells)


def _ways(flags: Flags, layers: Layers, rest: Endpoint, ws: Endpoint) -> tuple[WayOut, WayOut]:
    given = layers.text(flags.proxy, (), ("proxy", "proxy_url"))
    if given is not None:
        way = through(given.value, given.source)
        return way, way
    return from_environment(rest, layers.environ), from_environment(ws, layers.environ)


def _site_name(
    rest: Endpoint,
    named: Given[str] | None,
    rest_given: Given[str] | None,
    own: dict[str, tuple[Cell, Cell]],
) -> str:
    if named is not None:
        return named.value
    if rest_given is None:
        return "global"
    same = (name for name, cells in own.items() if cells[0].rest_url == rest.url)
    return next(same, home_of(rest.host) or "custom")


def _site_source(rest_given: Given[str] | None) -> str:
    return "default" if rest_given is None else "derived from rest_url"


def _expected(rest: Endpoint) -> Literal["global", "loopback", "any"]:
    """Names under .test never leave the machine (RFC 6761), nor does localhost; okx.com is public."""
    if is_loopback(rest.host) or _is_test(rest.host):
        return "loopback"
    if home_of(rest.host) is not None or rest.host.endswith(".okx.com"):
        return "global"
    return "any"


def _is_test(host: str) -> bool:
    return host.endswith(".test")


def _declared(place: Endpoint, given: Given[str] | None) -> bool:
    """An address by flag is meant; one from a file or variable may be a leftover, unless it is no public name."""
    if given is None:
        return False
    return given.source == "flag" or is_literal(place.host) or is_loopback(place.host) or _is_test(place.host)


def _look_at_ca(path: str) -> None:
    """A CA file named by flag must hold a certificate, or every verdict on trust would be about a typing error."""
    try:
        content = read_bounded(Path(path), LARGEST_CA_BYTES)
    except OSError as error:
        raise UsageProblem(f"--ca-file: {path} cannot be read: {error.strerror or error}") from None
    if not content.strip():
        raise UsageProblem(f"--ca-file: {path} is empty", "a PEM file with the root certificate")
    if b"-----BEGIN CERTIFICATE-----" not in content and b"-----BEGIN TRUSTED CERTIFICATE-----" not in content:
        if b"PRIVATE KEY-----" in content:
            raise UsageProblem(f"--ca-file: {path} holds a private key and no certificate", "the file of the root")
        raise UsageProblem(
            f"--ca-file: {path} holds no PEM certificate", "openssl x509 -inform der -in FILE -out FILE.pem"
        )
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except (ssl.SSLError, OSError):
        raise UsageProblem(
            f"--ca-file: {path} holds a certificate that cannot be read",
            "openssl x509 -in FILE -noout -text shows where",
        ) from None


def _where(given: Given[str] | Given[tuple[str, ...]], flag: str) -> str:
    return flag if given.source == "flag" else given.source


def _shown(servers: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(shown_host_port(host, port) for host, port in servers)
