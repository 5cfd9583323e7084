"""What kind of place an address is: somewhere on the public internet, this machine, a private network, nowhere."""

from __future__ import annotations

import ipaddress
from typing import Literal

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Kind = Literal[
    "global", "loopback", "unspecified", "link-local", "private", "shared", "fake-ip", "documentation", "multicast",
    "reserved", "not-an-address",
]  # fmt: skip

# RFC 6052 and RFC 8215: an IPv6-only network reaches IPv4 hosts by these; the IPv4 address is in the last 32 bits.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")
# RFC 2544, for benchmarks. Tunnels that answer every name themselves ("fake IP") take their addresses from it.
_BENCHMARK = ipaddress.IPv4Network("198.18.0.0/15")
_DOCUMENTATION = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")

WORDS: dict[Kind, str] = {
    "global": "a public address",
    "loopback": "this machine itself",
    "unspecified": "no address at all",
    "link-local": "a link-local address",
    "private": "a private address",
    "shared": "an address inside a provider's network (100.64.0.0/10)",
    "fake-ip": "an address of a tunnel or a test network (198.18.0.0/15)",
    "documentation": "an address reserved for documentation",
    "multicast": "a multicast address",
    "reserved": "a reserved address",
    "not-an-address": "no IP address",
}


def parse(text: str) -> Address | None:
    """The address a text is (a zone such as ``%eth0`` left off); None if it is none."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def behind(address: Address) -> Address:
    """The IPv4 address inside a mapped (``::ffff:a.b.c.d``) or NAT64 (``64:ff9b::/96``) one, else the same."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def kind(text: str) -> Kind:
    """What kind of place an address is, as far as routing goes."""
    parsed = parse(text)
    if parsed is None:
        return "not-an-address"
    address = behind(parsed)
    if address.version == 6 and address in _NAT64_LOCAL:
        # Where in it the IPv4 address stands is the network's own business.
        return "global"
    if any(address in network for network in _DOCUMENTATION if network.version == address.version):
        return "documentation"
    if address.version == 4 and address in _SHARED:
        return "shared"
    if address.version == 4 and address in _BENCHMARK:
        return "fake-ip"
    # The order matters: Python counts loopback and link-local among the private, and some multicast as global.
    special: tuple[tuple[bool, Kind], ...] = (
        (address.is_unspecified, "unspecified"),
        (address.is_loopback, "loopback"),
        (address.is_link_local, "link-local"),
        (address.is_multicast, "multicast"),
        (address.version == 6 and address in _SITE_LOCAL, "private"),
        (address.is_reserved, "reserved"),
        (not address.is_global, "private"),
    )
    return next((name for yes, name in special if yes), "global")
