"""What stood between a doctor and an exchange, recorded as facts and judged again: real components, no fault of ours.

Each bundle beside this file was saved by ``okxdoctor run --target live --save-facts`` on a host of its own (the lab's
two network namespaces), with the named component or setting in the way. The cause was written down before the run by
what was set up there. Of each bundle the checks up to TLS and HTTP are kept, and the key's where a key is part of it.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from okxdoctor.checkup import check_up
from okxdoctor.model import Report
from okxdoctor.settings import Flags, resolve

RECORDED = Path(__file__).parent / "recorded"

STOOD_THERE: dict[str, tuple[str, tuple[str, ...]]] = {
    "hosts-file-dead": (
        "a line of /etc/hosts with an address at which nobody is; the resolver knows the right one",
        ("dns.poisoned",),
    ),
    "hosts-file-somebody-else": (
        "a line of /etc/hosts with the address of another server, which lives and has a certificate of its own",
        ("dns.poisoned",),
    ),
    "search-list": (
        "resolv.conf with ndots:5 and a search domain whose wildcard leads to another server",
        ("dns.poisoned",),
    ),
    "dns-truncated": (
        "answers truncated over UDP, and TCP to port 53 dropped",
        ("dns.resolver-down",),
    ),
    "dns-portal": (
        "a resolver that gives every name the address of one server, which has a certificate of its own",
        ("dns.poisoned",),
    ),
    "dns-sinkhole": (
        "a resolver that gives every name one address, at which nobody is",
        ("dns.poisoned",),
    ),
    "dns-aaaa-hangs": (
        "a resolver that answers for A at once and for AAAA never",
        ("dns.slow",),
    ),
    "tcp-all-dropped": (
        "every TCP connection to 80, 443 and 8443 dropped; DNS and NTP pass",
        ("tcp.filtered",),
    ),
    "tcp-ports-exhausted": (
        "four local ports left (ip_local_port_range)",
        ("tcp.unreachable",),
    ),
    "tcp-blackhole-route": (
        "a blackhole route to the exchange",
        ("tcp.unreachable",),
    ),
    "tcp-packets-too-big": (
        "packets over 900 bytes do not arrive",
        ("http.timeout",),
    ),
    "tls-name-filtered": (
        "a middlebox that resets connections whose ClientHello names the WebSocket host",
        ("tls.handshake-reset",),
    ),
    "proxy-mitm": (
        "mitmproxy with its own root",
        ("tls.intercepted",),
    ),
    "proxy-same-poisoned-names": (
        "microsocks (socks5h) on the same machine, whose resolver gives 10.1.1.1",
        ("dns.poisoned",),
    ),
    "proxy-slow": (
        "a proxy that opens each tunnel a second late",
        ("http.slow",),
    ),
    "proxy-mute": (
        "a proxy that accepts connections and says nothing",
        ("proxy.unreachable",),
    ),
    "proxy-not-websockets": (
        "a proxy that answers 403 for the WebSocket host only",
        ("proxy.forbidden",),
    ),
    "proxy-squid-denies": (
        "squid with http_access deny all",
        ("proxy.forbidden",),
    ),
    "proxy-silent-tunnel": (
        "a proxy that answers a wrong greeting with 400, and nothing when asked for a tunnel",
        ("proxy.forbidden",),
    ),
    "no-proxy-too-much": (
        "NO_PROXY=.okx.com behind a firewall that lets only the proxy out",
        ("tcp.filtered",),
    ),
    "tls-issuer-not-fetched": (
        "the intermediate not sent, and the place that the leaf names for it silent",
        ("tls.incomplete-chain",),
    ),
    "tls-sha1": (
        "a leaf signed with SHA-1",
        ("tls.weak",),
    ),
    "tls-client-certificate": (
        "a server that wants a certificate of the client, TLS 1.2, and closes without an alert",
        ("tls.handshake-reset",),
    ),
    "tls-intermediate-expired": (
        "an intermediate that expired, below it a leaf that did not",
        ("tls.expired",),
    ),
    "tls-store-garbage": (
        "SSL_CERT_FILE with PEM armour around nonsense",
        ("tls.trust-store",),
    ),
    "ntp-majority-wrong": (
        "three time servers, two of them a minute ahead",
        ("clock.sources-disagree",),
    ),
    "clock-set-forward": (
        "the clock set forward by 40 s while the run was measuring",
        ("clock.ahead", "clock.jumped"),
    ),
    "time-cached-on-second-use": (
        "nginx that stores public/time from its second use on",
        ("clock.server-time-cached",),
    ),
    "time-cached-and-ahead": (
        "the same from the first, and the clock 31 s ahead by NTP",
        ("clock.ahead", "clock.server-time-cached"),
    ),
    "key-look-alike": (
        "a Cyrillic letter at the end of the key",
        ("env.credential-malformed",),
    ),
    "key-rotated": (
        "key, secret and passphrase each in the next one's place",
        ("env.credentials-swapped",),
    ),
    "partly-poisoned-and-dropped": (
        "two addresses, 127.0.0.1 and the right one; port 443 of the right one dropped",
        ("tcp.filtered", "dns.poisoned"),
    ),
    "ahead-and-wrong-passphrase": (
        "the clock 45 s ahead, and another passphrase",
        ("clock.ahead", "key.passphrase-wrong"),
    ),
    "ahead-and-dropped": (
        "the clock 45 s ahead by NTP, and port 443 dropped",
        ("clock.ahead", "tcp.filtered"),
    ),
    "years-ahead-and-expired": (
        "the clock 400 days ahead, and a certificate that expired yesterday by true time",
        ("clock.ahead", "tls.expired"),
    ),
    "zone-and-no-websocket-name": (
        "the clock 8 h ahead, and no WebSocket host in the DNS",
        ("clock.timezone-shift", "dns.name-not-found"),
    ),
    "sources-and-passphrase": (
        "clock and time servers a minute ahead of the exchange, and another passphrase",
        ("clock.sources-disagree", "key.passphrase-wrong"),
    ),
    "proxy-half-and-passphrase": (
        "a proxy that refuses the WebSocket host, and another passphrase",
        ("proxy.forbidden", "key.passphrase-wrong"),
    ),
}
"""The bundle -> what was set up, and the causes in the order of the report."""


def judged_again(name: str, home: Path) -> Report:
    return asyncio.run(check_up(resolve(Flags(target=f"facts:{RECORDED / name}.json"), {}, home)))


@pytest.mark.parametrize("name", STOOD_THERE)
def test_what_stood_there_is_named(name: str, tmp_path: Path) -> None:
    how, causes = STOOD_THERE[name]
    report = judged_again(name, tmp_path)
    assert tuple(root.code for root in report.diagnosis) == causes, how
    assert all(root.evidence and root.remedy for root in report.diagnosis)
    # Nothing of it depends on a fault list: the facts are as the machine gave them, and all of them are understood.
    assert not [a.check for a in report.attempts if (a.because or "").startswith("the saved facts do not fit")]


def test_every_bundle_is_judged_and_names_no_machine() -> None:
    bundles = {path.stem: path.read_text("utf-8") for path in RECORDED.glob("*.json")}
    assert set(bundles) == set(STOOD_THERE)
    for name, text in bundles.items():
        assert not re.search(r'"/(tmp|root|work)/', text), name
        # Neither a key id nor a secret, in any case of its letters.
        assert not re.search(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b", text, re.IGNORECASE), (
            name
        )
