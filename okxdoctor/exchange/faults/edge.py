"""Faults of HTTP before the exchange."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = (
    Fault(
        name="http-edge-blocked", example="http-edge-blocked", layer="http", cause="http.edge-blocked",
        says="the CDN answers every request with its 403 page and a ray id",
    ),
    Fault(
        name="http-region-blocked", example="http-region-blocked=451", layer="http", cause="http.region-blocked",
        value="choice", default="451", choices=("451", "50121"),
        says="this place is not served: a page with status 451, or code 50121",
    ),
    Fault(
        name="http-origin-down", example="http-origin-down=522", layer="http", cause="http.origin-down",
        value="choice", default="522", choices=("520", "521", "522", "523", "524", "525"),
        says="the CDN does not reach the exchange and says so with this status",
    ),
    Fault(
        name="http-captive-portal", example="http-captive-portal=redirect", layer="http", cause="http.captive-portal",
        value="choice", default="redirect", choices=("redirect", "page"),
        says="a portal answers every request by a redirect to, or the page of, its log-in",
    ),
    Fault(
        name="http-not-json", example="http-not-json=html", layer="http", cause="http.not-json", value="choice",
        default="html", choices=("html", "empty", "truncated", "latin"),
        says="good answers arrive with status 200 and a body that is no JSON envelope",
    ),
    Fault(
        name="http-timeout", example="http-timeout=headers", layer="http", cause="http.timeout", value="choice",
        default="headers", choices=("headers", "body"),
        says="requests are accepted and the answer stops before this part is complete",
    ),
    Fault(
        name="http-slow", example="http-slow=800ms", layer="http", cause="http.slow", value="duration", default=0.8,
        says="every answer takes this long",
    ),
    Fault(
        name="http-goaway", example="http-goaway=3", layer="http", cause="http.goaway", value="number", default=3.0,
        says="HTTP/2 is offered, and the server ends each connection after this many streams",
    ),
)  # fmt: skip
