"""Limits of judgement by name, from the project's knowledge."""

from __future__ import annotations

_CHOSEN = {
    "request_window_s": 30.0,
    "clock_warn_s": 1.0,
    "clock_sources_gap_s": 1.0,
    "clock_jump_s": 0.25,
    "clock_growth_s": 0.02,
    "clock_growth_per_s": 0.01,
    "clock_quarter_hour_slack_s": 2.0,
    "utc_offset_max_s": 50400.0,
    "clock_sample_span_s": 0.12,
    "clock_cache_span_s": 0.05,
    "clock_ntp_slack_s": 0.001,
    "dns_slow_ms": 300.0,
    "http_slow_connect_ms": 500.0,
    "http_slow_handshake_ms": 700.0,
    "http_slow_first_byte_ms": 600.0,
    "http_slow_body_ms": 600.0,
    "tls_days_left": 14.0,
    "key_idle_days": 14.0,
    "maintenance_horizon_h": 24.0,
    "change_horizon_days": 7.0,
    "ws_pong_s": 3.0,
    "ws_first_data_s": 3.0,
    "burst_slack": 0.25,
}


def limit(name: str) -> float:
    """The value of one limit; its unit is in its name."""
    return _CHOSEN[name]
