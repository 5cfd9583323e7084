"""What was typed: the flags of ``okxdoctor run``, not yet looked at. None and () mean not given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """One member for each flag of the command line, as text."""

    target: str | None = None
    site: str | None = None
    rest_url: str | None = None
    ws_url: str | None = None
    site_urls: tuple[str, ...] = ()
    ca_file: str | None = None
    dns_servers: tuple[str, ...] = ()
    ntp_servers: tuple[str, ...] = ()
    proxy: str | None = None
    profile: str | None = None
    config: str | None = None
    need: str | None = None
    instruments: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    trade_mode: str | None = None
    product: str | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    timeout_s: float | None = None
    deadline_s: float | None = None
    fail_on: str | None = None
    baseline: str | None = None
    save_facts: str | None = None
    record: str | None = None
    faults: tuple[str, ...] = ()
    seed: int | None = None
    demo_orders: bool = False
    burst: bool = False
