"""Faults of clocks, keys, permissions, budgets, instruments and the exchange's state."""

from __future__ import annotations

from .model import Fault

FAULTS: tuple[Fault, ...] = (
    # -- clock: the world's clocks are shifted, so that the user's is wrong ------------------------
    Fault(
        name="clock-ahead", example="clock-ahead=45s", layer="clock", cause="clock.ahead", value="duration",
        default=45.0, says="this machine's clock is ahead of the exchange and of the time servers",
    ),
    Fault(
        name="clock-behind", example="clock-behind=45s", layer="clock", cause="clock.behind", value="duration",
        default=45.0, says="this machine's clock is behind the exchange and the time servers",
    ),
    Fault(
        name="clock-drifting", example="clock-drifting=5s", layer="clock", cause="clock.drifting", value="duration",
        default=5.0, says="this machine's clock is off by less than the window, but by too much",
    ),
    Fault(
        name="clock-timezone-shift", example="clock-timezone-shift=8h", layer="clock", cause="clock.timezone-shift",
        value="duration", default=28_800.0, says="this machine has local time where UTC belongs",
    ),
    Fault(
        name="clock-sources-disagree", example="clock-sources-disagree=10s", layer="clock",
        cause="clock.sources-disagree", value="duration", default=10.0, occasion="packet",
        says="the time servers agree with each other and not with the exchange",
    ),
    Fault(
        name="clock-server-time-cached", example="clock-server-time-cached=7s", layer="clock",
        cause="clock.server-time-cached", value="duration", default=7.0,
        says="a cache before the exchange keeps giving out one answer of public/time, this old at first",
    ),
    # -- state of the exchange ---------------------------------------------------------------------
    Fault(
        name="status-maintenance", example="status-maintenance", layer="status", cause="status.maintenance",
        says="an announced maintenance is under way and private services answer 503 with 50001",
    ),
    Fault(
        name="status-maintenance-scheduled", example="status-maintenance-scheduled=6h", layer="status",
        cause="status.maintenance-scheduled", value="duration", default=21_600.0,
        says="a maintenance of trading begins this far from now",
    ),
    Fault(
        name="status-overloaded", example="status-overloaded=50013", layer="status", cause="status.overloaded",
        value="choice", default="50013", choices=("50013", "50026", "50004"),
        says="private services are overloaded and answer with this code",
    ),
    # -- the record of the handed-out key ----------------------------------------------------------
    Fault(
        name="key-wrong-environment", example="key-wrong-environment", layer="key", cause="key.wrong-environment",
        says="the key was made for demo trading",
    ),
    Fault(
        name="key-malformed", example="key-malformed", layer="key", cause="key.malformed",
        says="a gateway cuts the value of OK-ACCESS-KEY, so that what arrives is no key id",
    ),
    Fault(
        name="key-unknown", example="key-unknown", layer="key", cause="key.unknown",
        says="the key was deleted on every site",
    ),
    Fault(
        name="key-passphrase-wrong", example="key-passphrase-wrong", layer="key", cause="key.passphrase-wrong",
        says="the key was made with another passphrase",
    ),
    Fault(
        name="key-secret-wrong", example="key-secret-wrong", layer="key", cause="key.secret-wrong",
        says="the key belongs to another secret",
    ),
    Fault(
        name="key-frozen", example="key-frozen", layer="key", cause="key.frozen",
        says="the exchange has frozen the key",
    ),
    Fault(
        name="key-idle-expiry", example="key-idle-expiry", layer="key", cause="key.idle-expiry",
        says="the key may trade and is bound to no address, so it ends after idle days",
    ),
    Fault(
        name="permission-missing", example="permission-missing=trade", layer="key", cause="permission.missing",
        value="choice", default="trade", choices=("trade", "read"), says="the key lacks this permission",
    ),
    Fault(
        name="permission-excess", example="permission-excess", layer="key", cause="permission.excess",
        says="the key may withdraw, which nothing needs",
    ),
    Fault(
        name="permission-ip-binding-required", example="permission-ip-binding-required", layer="key",
        cause="permission.ip-binding-required", says="trade endpoints want an address-bound key and this one is not",
    ),
    Fault(
        name="ip-not-whitelisted", example="ip-not-whitelisted=203.0.113.57", layer="key", cause="ip.not-whitelisted",
        value="address", default="203.0.113.57",
        says="requests reach the exchange from this address, which is not on the key's list",
    ),
    Fault(
        name="ip-family-mismatch", example="ip-family-mismatch", layer="key", cause="ip.family-mismatch",
        occasion="state",
        says="the exchange is reached over IPv6 as well, which comes first, and the key's list has IPv4 alone",
    ),
    Fault(
        name="ip-egress-unstable", example="ip-egress-unstable=203.0.113.80", layer="key", cause="ip.egress-unstable",
        value="address", default="203.0.113.80", occasion="state",
        says="every second new connection leaves from this address, which is not on the key's list",
    ),
    Fault(
        name="ip-unbound", example="ip-unbound", layer="key", cause="ip.unbound",
        says="the key can only read and works from every address",
    ),
    Fault(
        name="ip-private-listed", example="ip-private-listed=192.168.1.20", layer="key", cause="ip.private-listed",
        value="address", default="192.168.1.20", says="the key's list has a private address beside the right ones",
    ),
    # -- what signed requests go through -----------------------------------------------------------
    Fault(
        name="header-missing", example="header-missing=passphrase", layer="http", cause="header.missing",
        value="choice", default="passphrase", choices=("key", "sign", "timestamp", "passphrase"),
        says="a middlebox drops this OK-ACCESS header",
    ),
    Fault(
        name="timestamp-expired", example="timestamp-expired=40s", layer="http", cause="timestamp.expired",
        value="duration", default=40.0, says="signed requests have waited this long before they are verified",
    ),
    Fault(
        name="timestamp-format", example="timestamp-format=epoch-ms", layer="http", cause="timestamp.format",
        value="choice", default="epoch-ms", choices=("epoch-ms", "epoch-s", "micros", "offset"),
        says="a gateway rewrites the timestamp header into this form",
    ),
    # -- budgets -----------------------------------------------------------------------------------
    Fault(
        name="ratelimit-shared", example="ratelimit-shared=90%", layer="ratelimit", cause="ratelimit.shared",
        value="number", default=0.9, says="others behind the same address use up this share of each address budget",
    ),
    Fault(
        name="ratelimit-order-cap", example="ratelimit-order-cap", layer="ratelimit", cause="ratelimit.order-cap",
        says="another program of the same sub-account places orders up to its cap",
    ),
    Fault(
        name="ratelimit-headers-inconsistent", example="ratelimit-headers-inconsistent=stuck", layer="ratelimit",
        cause="ratelimit.headers-inconsistent", value="choice", default="stuck", choices=("stuck", "over", "limit"),
        says="answers carry rate-limit headers that contradict each other or the documented budget",
    ),
    Fault(
        name="ratelimit-refusal-shape", example="ratelimit-refusal-shape=200", layer="ratelimit",
        cause="ratelimit.refusal-shape", value="choice", default="200", choices=("200", "503", "text"),
        says="a request over the budget is not answered by 429 with 50011 (seen with --burst)",
    ),
    Fault(
        name="ratelimit-limit-differs", example="ratelimit-limit-differs=50%", layer="ratelimit",
        cause="ratelimit.limit-differs", value="number", default=0.5,
        says="budgets are this share of the documented ones (seen with --burst)",
    ),
    # -- instruments -------------------------------------------------------------------------------
    Fault(
        name="instrument-unknown", example="instrument-unknown=BTC-USDT", layer="instrument",
        cause="instrument.unknown", value="text", default="BTC-USDT",
        says="this instrument is not listed in production",
    ),
    Fault(
        name="instrument-not-live", example="instrument-not-live=suspend", layer="instrument",
        cause="instrument.not-live", value="choice", default="suspend",
        choices=("suspend", "preopen", "test", "rebase", "settling", "post_only"),
        says="BTC-USDT and BTC-USDT-SWAP are in this state",
    ),
    Fault(
        name="instrument-change-announced", example="instrument-change-announced=2d", layer="instrument",
        cause="instrument.change-announced", value="duration", default=172_800.0,
        says="BTC-USDT and BTC-USDT-SWAP get another tick and minimum this far from now",
    ),
    Fault(
        name="instrument-spec-differs", example="instrument-spec-differs", layer="instrument",
        cause="instrument.spec-differs", says="BTC-USDT and BTC-USDT-SWAP have another tick and lot than they had",
    ),
)  # fmt: skip
