"""Which store is in use, and what can be wrong with it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from okxdoctor.port import Ask
from okxdoctor.targets.live.trust import Trust, load_bundled, load_system

KEY_PEM = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
BAD_PEM = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "missing"),
        ("", "empty"),
        (" \n", "empty"),
        ("hello", "not-pem"),
        (KEY_PEM, "empty"),
        (BAD_PEM, "not-pem"),
    ],
)
def test_a_file_that_is_no_store_is_named_and_trusts_nobody(
    stage: Any, tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    async def main() -> Any:
        async with (
            stage.answer(b"", tls=stage.server_tls()) as port,
            stage.target(port, tls=True, ca_file=str(file)) as target,
        ):
            store = await target.trust()
            return store, await target.http(Ask(method="GET", path="/api/v5/x")), await target.handshake("rest")

    store, answer, seen = asyncio.run(main())
    assert (store.problem, store.certificates, store.path, store.source) == (problem, 0, str(file), "ca-file")
    assert answer.failure.kind == "tls"
    assert seen.outcome == "ok"
    assert not seen.verifications[0].ok


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root reads every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(BAD_PEM)
    file.chmod(0)
    assert Trust(str(file), {}).load_in_use().store.problem == "unreadable"


def test_a_directory_is_unreadable(tmp_path: Path) -> None:
    assert Trust(str(tmp_path), {}).load_in_use().store.problem == "unreadable"


def test_the_order_of_stores(stage: Any) -> None:
    configured = Trust(stage.ca_file, {"SSL_CERT_FILE": "/nowhere"}).load_in_use().store
    assert (configured.source, configured.certificates, configured.problem) == ("ca-file", 1, "")
    named = Trust(None, {"SSL_CERT_FILE": stage.ca_file}).load_in_use().store
    assert (named.source, named.path, named.certificates) == ("env:SSL_CERT_FILE", stage.ca_file, 1)
    default = Trust(None, {}).load_in_use().store
    assert default.source in ("system", "certifi")
    assert default.certificates > 50


def test_the_public_stores_hold_what_they_say() -> None:
    assert load_bundled().store.certificates == load_bundled().context.cert_store_stats()["x509"] > 50
    system = load_system().store
    assert system.problem == ("" if system.certificates else "empty")
