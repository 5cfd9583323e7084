"""What a client needs to reach a running exchange: the fields of the ready line."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteInfo:
    """One site in one environment. ``named_*`` are reached through the exchange's own DNS, the others without."""

    name: str
    environment: str
    rest_url: str
    ws_url: str
    named_rest_url: str
    named_ws_url: str
    api_key: str
    secret_key: str = field(repr=False)
    passphrase: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """Addresses, files and credentials of a running exchange; ``repr`` hides the credentials.

    ``ws_url`` and the other WebSocket addresses are bases that end in ``/ws/v5``. ``ca_file`` has the exchange's
    root alone; ``ca_bundle`` has it beside the public roots. ``dns_server`` and ``ntp_server`` are HOST:PORT;
    ``ntp_servers`` are all of them. ``proxy_in_use``: the circumstances include a client that goes through
    ``proxy_url``. ``legacy_ws_port`` stands for 8443 and is closed.
    """

    rest_url: str
    ws_url: str
    plain_rest_url: str
    plain_ws_url: str
    named_rest_url: str
    named_ws_url: str
    ca_file: str
    ca_bundle: str
    dns_server: str
    independent_dns_server: str
    ntp_server: str
    ntp_servers: tuple[str, ...]
    control_url: str
    proxy_url: str
    proxy_in_use: bool
    legacy_ws_port: int
    api_key: str
    secret_key: str = field(repr=False)
    passphrase: str = field(repr=False)
    sites: tuple[SiteInfo, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The object of the ready line, credentials included."""
        return asdict(self)

    def environ(self, site: SiteInfo | None = None) -> dict[str, str]:
        """Environment variables for a client of ``site`` (the global one if none is named).

        The CA files hold the exchange's root beside the public ones. A proxy is named only where the
        circumstances have one.
        """
        chosen = self.sites[0] if site is None else site
        found = {
            "OKX_BASE_URL": chosen.rest_url,
            "OKX_WS_URL": chosen.ws_url,
            "OKX_API_KEY": chosen.api_key,
            "OKX_SECRET_KEY": chosen.secret_key,
            "OKX_PASSPHRASE": chosen.passphrase,
            "SSL_CERT_FILE": self.ca_bundle,
            "REQUESTS_CA_BUNDLE": self.ca_bundle,
            "NODE_EXTRA_CA_CERTS": self.ca_bundle,
        }
        if self.proxy_in_use:
            found["HTTPS_PROXY"] = self.proxy_url
        return found
