"""Addresses as text and as values: URLs of the two roles, HOST:PORT, proxies.

Every function raises :class:`UsageProblem` with ``where`` (``--rest-url``, ``env:OKX_BASE_URL``) in the text.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from okxdoctor.port import Endpoint, Role, Route
from okxdoctor.redact import shown_url
from okxdoctor.settings.problem import UsageProblem

WS_BASE = "/ws/v5"
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "socks5": 1080, "socks5h": 1080}
_SCHEMES: dict[Role, tuple[str, str]] = {"rest": ("https", "http"), "ws": ("wss", "ws")}
_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")


def endpoint(role: Role, url: str, where: str) -> Endpoint:
    """The server of one role. A pasted ``/api/v5`` or ``/ws/v5/public`` at the end is understood."""
    secure, plain = _SCHEMES[role]
    parts = _split(url, where, f"{secure}://HOST[:PORT]")
    scheme = parts.scheme.lower()
    if scheme not in (secure, plain):
        raise UsageProblem(
            f"{where}: {shown_url(url)!r} must begin with {secure}:// (or {plain}://)",
            f"{secure}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else f"{secure}://HOST[:PORT]",
        )
    if "@" in parts.netloc:
        raise UsageProblem(f"{where}: a user or password in this URL is not taken", "leave out what stands before @")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise UsageProblem(f"{where}: {shown_url(url)!r} has a query or fragment", "give only scheme, host, port, path")
    host, port = _host(parts, url, where), _port(parts, url, where) or _PORTS[scheme]
    base = parts.path.rstrip("/")
    root, inner, more = base.partition("/api/v5/" if role == "rest" else "/ws/v5/")
    if inner and (role == "rest" or more not in ("public", "private", "business")):
        raise UsageProblem(
            f"{where}: {shown_url(url)!r} goes on behind {inner}", f"{scheme}://{parts.netloc}{root} is the base of all"
        )
    if host in ("http", "https", "ws", "wss"):
        raise UsageProblem(f"{where}: {shown_url(url)!r} has two schemes", f"{secure}://HOST[:PORT]")
    if role == "rest":
        base = base.removesuffix("/api/v5")
    else:
        base = re.sub(r"/ws/v5(?:/(?:public|private|business))?$", "", base) + WS_BASE
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port == _PORTS[scheme] else f"{shown}:{port}"
    return Endpoint(
        role=role,
        url=f"{scheme}://{netloc}{base}",
        scheme=scheme,
        host=host,
        port=port,
        base=base,
        tls=scheme == secure,
    )


def host_port(text: str, where: str, default_port: int | None) -> tuple[str, int]:
    """``HOST``, ``HOST:PORT``, ``[v6]:PORT`` or a bare IPv6 address. Without a default the port must be there."""
    form = "HOST:PORT" if default_port is None else "HOST[:PORT]"
    if "://" in text:
        raise UsageProblem(f"{where}: {shown_url(text)!r} is a URL, not {form}", "for example 127.0.0.1:5353")
    host, colon, port_text = text.rpartition(":")
    if text.startswith("["):
        closed = re.fullmatch(r"\[([^\[\]]+)\](?::(.*))?", text)
        host, port_text = (closed[1], closed[2] or "") if closed else ("", "")
    elif not colon or text.count(":") > 1:
        host, port_text = text, ""
    if not _good_host(host):
        raise UsageProblem(f"{where}: {text!r} is not {form}", "for example 127.0.0.1:5353")
    if not port_text:
        if default_port is None or text.endswith(":"):
            raise UsageProblem(f"{where}: {text!r} has no port", f"for example {host}:53")
        return host.lower(), default_port
    if not (port_text.isascii() and port_text.isdigit() and 0 < int(port_text) < 65536):
        raise UsageProblem(f"{where}: {port_text!r} is not a port", "a number from 1 to 65535")
    return host.lower(), int(port_text)


def shown_host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def route(url: str, source: str) -> tuple[Route, str]:
    """A proxy as it may be shown, and its full URL. ``proxy:3128`` without a scheme is an HTTP proxy."""
    full = url.strip()
    where = "--proxy" if source == "flag" else f"proxy from {source}"
    if "://" not in full:
        if "//" in full or ":/" in full:
            shown = shown_url("http://" + full).removeprefix("http://")
            raise UsageProblem(f"{where}: {shown!r} is not a URL", "http://HOST:PORT")
        full = f"http://{full}"
    full = re.sub(r"^socks://", "socks5://", full, flags=re.IGNORECASE)
    parts = _split(full, where, "http://HOST:PORT")
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https", "socks5", "socks5h"):
        raise UsageProblem(
            f"{where}: {scheme}:// is not a proxy scheme that okxdoctor speaks",
            "http, https, socks5",
        )
    host = _host(parts, full, where)
    port = _port(parts, full, where) or _PORTS[scheme]
    credentials = "@" in parts.netloc
    shown = f"{scheme}://{'***@' if credentials else ''}{shown_host_port(host, port)}"
    value = Route(url=shown, scheme=scheme, host=host, port=port, source=source, has_credentials=credentials)
    return value, full


def is_loopback(host: str) -> bool:
    """Whether the host can only be this machine: ``localhost``, a loopback literal."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _split(url: str, where: str, form: str) -> SplitResult:
    if url != url.strip() or any(c.isspace() or not c.isprintable() for c in url):
        raise UsageProblem(f"{where}: the URL has a blank or control character in it", form)
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageProblem(f"{where}: {shown_url(url)!r} is not a URL ({error})", form) from None
    if "://" not in url or not parts.scheme:
        whole = re.fullmatch(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d+)?(?:/[\w/.-]*)?", url)
        raise UsageProblem(
            f"{where}: {shown_url(url)!r} is not a URL", f"{form.partition('HOST')[0]}{url}" if whole else form
        )
    return parts


def _host(parts: SplitResult, url: str, where: str) -> str:
    try:
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            host = ""
    if not _good_host(host):
        raise UsageProblem(f"{where}: {shown_url(url)!r} has no valid host name")
    return host


def _port(parts: SplitResult, url: str, where: str) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise UsageProblem(f"{where}: {shown_url(url)!r} has no valid port", "a number from 1 to 65535")
    return port


def _good_host(host: str) -> bool:
    return is_literal(host) or (len(host) <= 253 and _NAME.fullmatch(host) is not None)
