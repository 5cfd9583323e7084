"""A configuration of OpenSSL that leaves no TLS is the machine's, not the exchange's: said in a line, before a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from okxdoctor_process import environment, okxdoctor

_CONFIGURATION = """openssl_conf = whole
[whole]
ssl_conf = tls
[tls]
system_default = limits
[limits]
{line}
"""


@pytest.mark.parametrize(
    ("line", "url", "code"),
    [
        ("MaxProtocol = TLSv1.1", "https://127.0.0.1:9", 2),
        ("MinProtocol = TLSv1.3", "https://127.0.0.1:9", 1),
        ("MaxProtocol = TLSv1.1", "http://127.0.0.1:9", 1),
    ],
)
def test_limits_of_openssl(line: str, url: str, code: int, tmp_path: Path) -> None:
    path = tmp_path / "openssl.cnf"
    path.write_text(_CONFIGURATION.format(line=line))
    done = okxdoctor("--rest-url", url, "--only", "tcp", env=environment(OPENSSL_CONF=str(path)))
    assert done.code == code
    assert ("cannot begin a TLS connection" in done.err and f"OPENSSL_CONF names {path}" in done.err) is (code == 2)
    assert ("tcp.refused" in done.out) is (code == 1)
