"""What stands between a client and the exchange's gateway, as pure functions on requests and replies.

A CDN that blocks, a portal that answers instead, a cache that keeps public/time, a middlebox that drops or
rewrites headers, a link that cuts bodies off: each changes bytes on the way and knows nothing of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .auth import timestamp_ms
from .circumstances import HttpEdge, Page
from .protocol import Reply, Request

TIME_PATH = "/api/v5/public/time"


@dataclass(slots=True)
class TimeCache:
    """A shared cache's copy of public/time and when it was fetched (virtual ms)."""

    reply: Reply | None = None
    fetched_ms: int = 0


def arriving(edge: HttpEdge, request: Request) -> Request:
    """The request as it reaches the gateway."""
    if not edge.drop_headers and edge.timestamp_form is None and not edge.cut_key:
        return request
    headers = {name: value for name, value in request.headers.items() if name not in edge.drop_headers}
    if edge.cut_key and "ok-access-key" in headers:
        headers["ok-access-key"] = headers["ok-access-key"][:24]
    stamp = headers.get("ok-access-timestamp")
    if edge.timestamp_form is not None and stamp is not None:
        headers["ok-access-timestamp"] = rewritten(stamp, edge.timestamp_form)
    return replace(request, headers=headers)


def rewritten(stamp: str, form: str) -> str:
    """The same instant in a form that the exchange does not take."""
    epoch = timestamp_ms(stamp)
    if epoch is None:
        return stamp
    match form:
        case "epoch-ms":
            return str(epoch)
        case "epoch-s":
            return str(epoch // 1000)
        case "micros":
            return stamp[:-1] + "000Z"
        case _:
            return stamp[:-1] + "+00:00"


def cached(edge: HttpEdge, cache: TimeCache, target: str, now_ms: int, fresh: Reply) -> Reply:
    """public/time as a cache gives it out: the copy with its age; ``fresh`` is fetched when there is none yet.

    The copy counts as fetched before the first request that is seen here, by somebody else.
    """
    if not edge.cache_time_s or not target.startswith(TIME_PATH):
        cache.reply = None
        return fresh
    if cache.reply is None:
        fetched = now_ms - edge.cache_time_s * 1000
        body = b'{"code":"0","data":[{"ts":"%d"}],"msg":""}' % fetched
        cache.reply, cache.fetched_ms = replace(fresh, body=body), fetched
    age = (now_ms - cache.fetched_ms) // 1000
    headers = (("Age", str(age)), ("cf-cache-status", "HIT"), ("Cache-Control", "max-age=3600"))
    return replace(cache.reply, headers=headers)


def leaving(edge: HttpEdge, reply: Reply) -> Reply:
    """A good answer after the link has had it; refusals pass unharmed."""
    if edge.garble is None or reply.status != 200:
        return reply
    match edge.garble:
        case "empty":
            return replace(reply, body=b"")
        case "truncated":
            return replace(reply, body=reply.body[: len(reply.body) * 2 // 3])
        case "latin":
            return replace(reply, body=b'{"code":"0","data":[{"note":"caf\xe9"}],"msg":""}')
        case "bom":
            return replace(reply, body=b"\xef\xbb\xbf" + reply.body)
        case "gzip":
            # Announced as compressed, by somebody who has decompressed it.
            return replace(reply, headers=(*reply.headers, ("Content-Encoding", "gzip")))
        case "no-envelope":
            return replace(reply, body=b'{"status":"UP"}', content_type="application/json")
        case "html":
            body = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>It works.</p></body></html>\n"
            return replace(reply, body=body, content_type="text/html; charset=utf-8")


def ray_id(number: int) -> str:
    """A CDN's ray id: sixteen hexadecimal digits and the code of an airport."""
    return f"{number & ((1 << 64) - 1):016x}-FRA"


def blocked_page(ray: str) -> Page:
    """A CDN's refusal page: it names the CDN and a ray id, and no code of the exchange."""
    body = f"""<!DOCTYPE html>
<html lang="en-US"><head><title>Attention Required! | Cloudflare</title></head>
<body><h1>Sorry, you have been blocked</h1>
<p>You are unable to access this site. The action you just performed triggered the security solution.</p>
<p>Cloudflare Ray ID: <strong>{ray}</strong></p></body></html>
"""
    return Page(status=403, body=body.encode())


def challenge_page() -> Page:
    """What a CDN shows to a client that is to prove that it is a browser."""
    body = """<!DOCTYPE html>
<html lang="en-US"><head><title>Just a moment...</title></head>
<body><noscript>Enable JavaScript and cookies to continue</noscript>
<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script></body></html>
"""
    return Page(status=403, body=body.encode(), headers=(("cf-mitigated", "challenge"),))


def too_many_page() -> Page:
    """What a CDN shows to an address that asks too often for its own taste, before the exchange counts anything."""
    body = """<!DOCTYPE html>
<html lang="en-US"><head><title>Access denied | www.okx.com used Cloudflare to restrict access</title></head>
<body><h1>Error 1015</h1><h2>You are being rate limited</h2></body></html>
"""
    return Page(status=429, body=body.encode(), headers=(("Retry-After", "60"),))


def denied_json() -> Page:
    """A CDN's refusal in JSON, without a code of the exchange."""
    body = b'{"message":"You have been denied access to this page. Please contact support."}'
    return Page(status=403, body=body, content_type="application/json")


def region_page() -> Page:
    """A page that says that the service is not offered in this place."""
    body = """<!DOCTYPE html>
<html lang="en-US"><head><title>Service unavailable in your region</title></head>
<body><h1>Sorry</h1><p>Our services are not available in your country or region.</p></body></html>
"""
    return Page(status=403, body=body.encode())
