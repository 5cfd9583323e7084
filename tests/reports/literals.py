"""Reports as literals: what the formats are laid out from, no check and no runner involved."""

from __future__ import annotations

from okxdoctor.model import (
    Attempt,
    Blame,
    Confidence,
    Diagnosis,
    Finding,
    Outcome,
    Report,
    Severity,
    TargetName,
    Verdict,
)

LIVE = TargetName(kind="live", site="global", rest="https://openapi.okx.com", ws="wss://ws.okx.com/ws/v5")
SIM = TargetName(kind="sim", site="global", rest="https://openapi.okx.test:41873", ws="wss://ws.okx.test:41873/ws/v5")


def done(check: str, title: str, *findings: Finding, elapsed_ms: float = 12.5) -> Attempt:
    return Attempt(
        check=check,
        title=title,
        outcome=Outcome.COMPLETED,
        findings=findings,
        elapsed_ms=elapsed_ms,
        facts={"checked": True},
    )


def left(check: str, title: str, outcome: Outcome, because: str) -> Attempt:
    return Attempt(check=check, title=title, outcome=outcome, because=because, elapsed_ms=1.0)


def root(finding: Finding, severity: Severity, blame: Blame, *explains: str) -> Diagnosis:
    return Diagnosis(
        code=finding.code,
        severity=severity,
        blame=blame,
        summary=finding.summary,
        confidence=finding.confidence,
        evidence=finding.evidence,
        explains=explains,
        excluded=finding.excluded,
        remedy=finding.remedy,
    )


AHEAD = Finding(
    code="clock.ahead",
    summary="The clock of this machine is 45.0 s ahead of the exchange.",
    evidence={"skew_s": 45.02, "width_s": 0.01, "limit_s": 30, "ntp_servers": 3},
    severity=Severity.ERROR,
    remedy=("sudo chronyc makestep", "timedatectl set-ntp true"),
    excluded=("clock.timezone-shift", "clock.server-time-cached"),
)
EXPIRED = Finding(
    code="timestamp.expired",
    summary="Signed requests are refused with 50102: their timestamp is 45.0 s off.",
    evidence={"code": "50102", "age_s": -45.0},
    severity=Severity.ERROR,
)
DRIFTING = Finding(
    code="clock.drifting",
    summary="The clock is 1.8 s behind and was 1.2 s behind a minute ago.",
    evidence={"skew_s": -1.8, "limit_s": 1.0},
    severity=Severity.WARNING,
    confidence=Confidence.LIKELY,
    remedy=("chronyc tracking",),
)
UNBOUND = Finding(
    code="ip.unbound",
    summary="The key may trade and is bound to no address: it is deleted after 14 idle days.",
    evidence={"perm": ["read_only", "trade"], "ip": []},
    severity=Severity.WARNING,
    remedy=("Bind the key to 203.0.113.7 under API keys on the site",),
)
PORT = Finding(
    code="tcp.port-8443-closed",
    summary="Port 8443 does not answer, as announced; 443 does.",
    evidence={"port": 8443},
    severity=Severity.INFO,
)
EXPOSED = Finding(
    code="env.config-exposed",
    summary="~/.okx/config.toml holds secrets and can be read by everyone (mode 0644).",
    evidence={"mode": "0644"},
    severity=Severity.ERROR,
    remedy=("chmod 600 ~/.okx/config.toml",),
)


def report(
    *attempts: Attempt,
    diagnosis: tuple[Diagnosis, ...] = (),
    verdict: Verdict = Verdict.HEALTHY,
    exit_code: int = 0,
    target: TargetName = LIVE,
    interrupted: bool = False,
    notes: tuple[str, ...] = (),
) -> Report:
    return Report(
        version="0.1.0",
        target=target,
        started="2026-11-22T10:15:30.123Z",
        elapsed_ms=412.7,
        verdict=verdict,
        exit_code=exit_code,
        diagnosis=diagnosis,
        attempts=attempts,
        interrupted=interrupted,
        notes=notes,
        requests=23,
        connections=9,
    )


_ENV = done("env", "Credentials and configuration are well formed")
_CLOCK = done("clock", "The local clock agrees with the exchange")
_DNS = done("dns", "Names resolve to public addresses")
_TCP = done("tcp", "The hosts accept connections")
_TLS = done("tls", "Certificates are valid and trusted")
_HTTP = done("http", "REST answers as OKX does")
_KEY = done("key", "The key is accepted and may do what is needed")

HEALTHY = report(_ENV, _CLOCK, _DNS, done("tcp", _TCP.title, PORT), _TLS, _HTTP, _KEY, target=SIM)

SKIPPED = report(
    _ENV,
    _CLOCK,
    _DNS,
    _TCP,
    _TLS,
    _HTTP,
    left("key", _KEY.title, Outcome.SKIPPED, "no API key is set"),
    left("signature", "Signatures are accepted", Outcome.SKIPPED, "no API key is set"),
)

ONE_ERROR = report(
    _ENV,
    done("clock", _CLOCK.title, AHEAD),
    _DNS,
    _TCP,
    _TLS,
    _HTTP,
    done("signature", "Signatures are accepted", EXPIRED),
    left("ratelimit", "Rate limits are as documented", Outcome.SKIPPED, "signature did not pass"),
    diagnosis=(root(AHEAD, Severity.ERROR, Blame.YOURS, "timestamp.expired"),),
    verdict=Verdict.BROKEN,
    exit_code=1,
    target=SIM,
)

TWO_ROOTS = report(
    done("env", _ENV.title, EXPOSED),
    done("clock", _CLOCK.title, AHEAD),
    _DNS,
    _TCP,
    _TLS,
    done("signature", "Signatures are accepted", EXPIRED),
    diagnosis=(
        root(AHEAD, Severity.ERROR, Blame.YOURS, "timestamp.expired"),
        root(EXPOSED, Severity.ERROR, Blame.YOURS),
    ),
    verdict=Verdict.BROKEN,
    exit_code=1,
)

WARNING = report(
    _ENV,
    done("clock", _CLOCK.title, DRIFTING),
    _DNS,
    _TCP,
    _TLS,
    _HTTP,
    done("key", _KEY.title, UNBOUND),
    diagnosis=(
        root(DRIFTING, Severity.WARNING, Blame.YOURS),
        root(UNBOUND, Severity.WARNING, Blame.YOURS),
    ),
    verdict=Verdict.DEGRADED,
)

INCONCLUSIVE = report(
    _ENV,
    left("clock", _CLOCK.title, Outcome.INCONCLUSIVE, "five round trips took longer than 5 s each"),
    _DNS,
    left("key", _KEY.title, Outcome.SKIPPED, "clock could not be judged"),
    verdict=Verdict.INCONCLUSIVE,
    exit_code=3,
)

INTERRUPTED = report(
    _ENV,
    done("clock", _CLOCK.title, AHEAD),
    left("tls", _TLS.title, Outcome.SKIPPED, "the run was interrupted"),
    left("key", _KEY.title, Outcome.SKIPPED, "the run was interrupted"),
    diagnosis=(root(AHEAD, Severity.ERROR, Blame.YOURS),),
    verdict=Verdict.BROKEN,
    exit_code=130,
    interrupted=True,
)

BROKEN = report(
    _ENV,
    left("dns", _DNS.title, Outcome.BROKEN, "ZeroDivisionError: division by zero"),
    _CLOCK,
    verdict=Verdict.INCONCLUSIVE,
    exit_code=4,
    notes=("please report: https://github.com/okxdoctor/okxdoctor/issues",),
)

ALL = {
    "healthy": HEALTHY,
    "skipped": SKIPPED,
    "one-error": ONE_ERROR,
    "two-roots": TWO_ROOTS,
    "warning": WARNING,
    "inconclusive": INCONCLUSIVE,
    "interrupted": INTERRUPTED,
    "broken": BROKEN,
}
