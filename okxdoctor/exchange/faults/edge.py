"""Faults of HTTP before the exchange."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = (
    Fault(
        name="http-edge-blocked", example="http-edge-blocked", layer="http", cause="http.edge-blocked",
        says="the CDN answers every request with its 403 page and a ray id",
    ),
    Fault(
        name="http-edge-blocked-challenge", example="http-edge-blocked-challenge", layer="http",
        cause="http.edge-blocked", says="the CDN wants every client to prove that it is a browser",
    ),
    Fault(
        name="http-edge-blocked-too-many", example="http-edge-blocked-too-many", layer="http",
        cause="http.edge-blocked", says="the CDN finds that this address asks too often: a page with 429, no code",
    ),
    Fault(
        name="http-edge-blocked-json", example="http-edge-blocked-json", layer="http", cause="http.edge-blocked",
        says="the CDN denies access with 403 and JSON that has no code",
    ),
    Fault(
        name="http-edge-blocked-agent", example="http-edge-blocked-agent=okxdoctor", layer="http",
        cause="http.edge-blocked", value="text", default="okxdoctor",
        says="the CDN turns away clients whose User-Agent holds this text, or that send none",
    ),
    Fault(
        name="http-region-blocked", example="http-region-blocked=451", layer="http", cause="http.region-blocked",
        value="choice", default="451", choices=("451", "50121", "page"),
        says="this place is not served: a page with status 451, code 50121, or a page with 403 that says so",
    ),
    Fault(
        name="http-origin-down", example="http-origin-down=522", layer="http", cause="http.origin-down",
        value="choice", default="522",
        choices=("520", "521", "522", "523", "524", "525", "500", "502", "503", "504"),
        says="the CDN, or a gateway with a status below 520, does not reach the exchange and says so with this status",
    ),
    Fault(
        name="http-captive-portal", example="http-captive-portal=redirect", layer="http", cause="http.captive-portal",
        value="choice", default="redirect", choices=("redirect", "page", "511"),
        says="a portal answers every request by a redirect to, or the page of, its log-in, or by status 511",
    ),
    Fault(
        name="http-not-json", example="http-not-json=html", layer="http", cause="http.not-json", value="choice",
        default="html", choices=("html", "empty", "truncated", "latin", "bom", "gzip", "no-envelope"),
        says="good answers arrive with status 200 and a body that is no JSON envelope",
    ),
    Fault(
        name="http-not-json-cut", example="http-not-json-cut=close", layer="http", cause="http.not-json",
        value="choice", default="close", choices=("close", "reset", "half"),
        says="connections end (FIN, RST) in the place of an answer, or in the middle of one",
    ),
    Fault(
        name="http-goaway-reused", example="http-goaway-reused", layer="http", cause="http.goaway",
        says="each connection serves one request and is closed at the second, as a stale one in a pool is",
    ),
    Fault(
        name="http-not-json-redirect", example="http-not-json-redirect", layer="http", cause="http.not-json",
        says="a gateway redirects every address to itself with a slash behind, for ever",
    ),
    Fault(
        name="http-timeout", example="http-timeout=headers", layer="http", cause="http.timeout", value="choice",
        default="headers", choices=("headers", "body", "drip"),
        says="requests are accepted and the answer stops before this part is complete, or comes by a byte a second",
    ),
    Fault(
        name="http-slow-body", example="http-slow-body=900ms", layer="http", cause="http.slow", value="duration",
        default=0.9, says="the body of every answer takes this long, in pieces",
    ),
    Fault(
        name="http-slow", example="http-slow=800ms", layer="http", cause="http.slow", value="duration", default=0.8,
        says="every answer takes this long",
    ),
    Fault(
        name="http-goaway", example="http-goaway=3", layer="http", cause="http.goaway", value="number", default=3.0,
        occasion="state",
        says="HTTP/2 is offered, and the server ends each connection after this many streams",
    ),
)  # fmt: skip
