"""Record the shipped stories from the embedded exchange:  python tests/cassettes/record.py [NAME...]

Each story is one run of the doctor with --record; its metadata then names the story and the causes that a replay must
give. Only what crosses HTTP is in a cassette, so a story whose cause lies elsewhere is not told here.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import yaml

from okxdoctor.checkup import check_up
from okxdoctor.settings import Flags, resolve

HERE = Path(__file__).parents[2] / "cassettes"
SEED = 2026

STORIES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "healthy": ("a bound key with the permissions that are needed, nothing wrong", (), ()),
    "wrong-environment": (
        "a demo key is used without the demo header",
        ("key-wrong-environment",), ("key.wrong-environment",),
    ),
    "wrong-region": (
        "an EEA key is used on the global site",
        ("region-wrong-rest-host=eea",), ("region.wrong-rest-host",),
    ),
    "key-unknown": ("no site and no environment knows the key", ("key-unknown",), ("key.unknown",)),
    "key-frozen": ("the key is frozen", ("key-frozen",), ("key.frozen",)),
    "passphrase-wrong": ("another passphrase than the key's", ("key-passphrase-wrong",), ("key.passphrase-wrong",)),
    "secret-wrong": ("the secret belongs to another key", ("key-secret-wrong",), ("key.secret-wrong",)),
    "timestamp-expired": (
        "requests arrive 40 s after they were signed",
        ("timestamp-expired=40s",), ("timestamp.expired",),
    ),
    "header-stripped": ("a middlebox drops the passphrase header", ("header-missing=passphrase",), ("header.missing",)),
    "ip-not-whitelisted": ("the key is bound to another address", ("ip-not-whitelisted",), ("ip.not-whitelisted",)),
    "permission-missing": (
        "the key may read and the program wants to trade",
        ("permission-missing=trade",), ("permission.missing",),
    ),
    "withdraw-granted": ("the key may withdraw and nobody needs it", ("permission-excess",), ("permission.excess",)),
    "maintenance": ("trading is down for maintenance", ("status-maintenance",), ("status.maintenance",)),
    "rate-limited": (
        "somebody else behind the same address uses the budget up",
        ("ratelimit-shared",), ("ratelimit.shared",),
    ),
    "cdn-page": ("the content network refuses with a page of its own", ("http-edge-blocked",), ("http.edge-blocked",)),
    "origin-down": ("the content network cannot reach the exchange", ("http-origin-down=522",), ("http.origin-down",)),
    "captive-portal": ("a hotel answers in the exchange's place", ("http-captive-portal",), ("http.captive-portal",)),
    "instrument-suspended": (
        "trading in one instrument is suspended",
        ("instrument-not-live",), ("instrument.not-live",),
    ),
}  # fmt: skip


def record(name: str) -> None:
    """One story. Fails loudly when the live run does not give the causes that the story is about."""
    story, faults, causes = STORIES[name]
    path = HERE / f"{name}.yaml"
    with tempfile.TemporaryDirectory() as home:
        flags = Flags(target="sim", faults=faults, seed=SEED, record=str(path))
        report = asyncio.run(check_up(resolve(flags, {}, Path(home))))
    found = tuple(d.code for d in report.diagnosis)
    if found != causes:
        path.unlink(missing_ok=True)
        raise SystemExit(f"{name}: the run gave {found}, the story is about {causes}")
    tape = yaml.safe_load(path.read_text("utf-8"))
    tape["metadata"]["okxdoctor"] |= {"story": story, "causes": list(causes)}
    path.write_text(yaml.safe_dump(tape, sort_keys=False, allow_unicode=True), "utf-8")
    print(f"{name}: {len(tape['interactions'])} interactions")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or STORIES:
        record(wanted)
