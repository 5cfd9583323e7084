"""``openssl s_server`` in the place of the exchange, with certificates that the openssl program made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from lab_components import Lab, codes, wait_for_port
from lab_wire import BEYOND, FAR4

PEER = 9443
NAMES = "subjectAltName=DNS:*.okx.com,DNS:okx.com"
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"


class Certificates:
    """A root, an intermediate and leaves, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key("root")
        self._openssl("req", "-x509", "-new", "-key", "root.key", "-subj", "/O=Lab/CN=Lab Root", "-days", "3650",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", "root.pem")  # fmt: skip
        self.leaf("middle", "root", CA)
        self.root = str(folder / "root.pem")

    def leaf(self, name: str, issuer: str, extensions: str = NAMES, *, when: str = "now", days: int = 365) -> str:
        """Make ``name``.pem and .key, signed by ``issuer``; ``when`` is the day of its making."""
        self._key(name)
        (self.folder / "ext").write_text(extensions)
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/O=Lab/CN={name}", "-out", "csr")
        self._openssl(
            "x509", "-req", "-in", "csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial",
            "-days", str(days), "-extfile", "ext", "-out", f"{name}.pem", when=when,
        )  # fmt: skip
        return name

    def der(self, name: str) -> bytes:
        command = ["openssl", "x509", "-in", f"{name}.pem", "-outform", "DER"]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True).stdout

    def self_signed(self) -> str:
        self._key("alone")
        self._openssl("req", "-x509", "-new", "-key", "alone.key", "-subj", "/CN=openapi.okx.com", "-days", "90",
                      "-addext", NAMES, "-out", "alone.pem")  # fmt: skip
        return "alone"

    def _key(self, name: str) -> None:
        self._openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")

    def _openssl(self, *arguments: str, when: str = "now") -> None:
        subprocess.run(["faketime", when, "openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory, _lab: Lab) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def serve(lab: Lab, certificates: Certificates, name: str, *options: str) -> None:
    """The peer answers at the exchange's addresses from now on, to the end of the test."""
    at = certificates.folder
    lab.start(
        lab.wire.far, "openssl", "s_server", "-accept", f"127.0.0.1:{PEER}", "-www", "-quiet",
        "-cert", f"{at}/{name}.pem", "-key", f"{at}/{name}.key", *options,
    )  # fmt: skip
    wait_for_port(lab.wire, lab.wire.far, "127.0.0.1", PEER)
    lab.serve_at(PEER)


def test_self_signed(lab: Lab, certificates: Certificates) -> None:
    serve(lab, certificates, certificates.self_signed())
    assert codes(lab.doctor(ca=certificates.root)) == ["tls.self-signed"]


@pytest.mark.parametrize(("when", "cause"), [("2020-02-02", "tls.expired"), ("2049-02-02", "tls.not-yet-valid")])
def test_dates(lab: Lab, certificates: Certificates, when: str, cause: str) -> None:
    serve(lab, certificates, certificates.leaf("dated", "root", when=when))
    assert codes(lab.doctor(ca=certificates.root)) == [cause]


def test_another_name(lab: Lab, certificates: Certificates) -> None:
    serve(lab, certificates, certificates.leaf("other", "root", "subjectAltName=DNS:portal.example.net"))
    assert codes(lab.doctor(ca=certificates.root)) == ["tls.hostname-mismatch"]


def test_the_intermediate_is_not_sent(lab: Lab, certificates: Certificates) -> None:
    """The leaf says where its issuer is to be had, as every public one does; a web server has it there."""
    (certificates.folder / "middle.der").write_bytes(certificates.der("middle"))
    lab.start(
        lab.wire.far, "python3", "-m", "http.server", "--bind", FAR4, "--directory", str(certificates.folder), "80"
    )
    wait_for_port(lab.wire, lab.wire.far, FAR4, 80)
    place = f"{NAMES}\nauthorityInfoAccess=caIssuers;URI:http://{FAR4}/middle.der"
    serve(lab, certificates, certificates.leaf("below", "middle", place))
    assert codes(lab.doctor(ca=certificates.root)) == ["tls.incomplete-chain"]


def test_only_old_protocols(lab: Lab, certificates: Certificates) -> None:
    serve(lab, certificates, certificates.leaf("fine", "root"), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert codes(lab.doctor(ca=certificates.root)) == ["tls.weak"]


def test_a_root_that_is_not_trusted(lab: Lab, certificates: Certificates) -> None:
    serve(lab, certificates, certificates.leaf("fine", "root"))
    assert codes(lab.doctor()) == ["tls.intercepted"]


def test_no_tls_at_all(lab: Lab) -> None:
    lab.start(lab.wire.far, "python3", "-m", "http.server", "--bind", "127.0.0.1", str(PEER))
    wait_for_port(lab.wire, lab.wire.far, "127.0.0.1", PEER)
    lab.serve_at(PEER)
    assert codes(lab.doctor()) == ["tls.not-tls"]


def test_somebody_else_at_an_address_that_the_resolver_does_not_give(lab: Lab, certificates: Certificates) -> None:
    """The hosts file leads to a server that lives and is another: the certificate is the symptom, not the cause."""
    lab.names(f"--address=/openapi.okx.com/{BEYOND}")
    lab.wire.know(f"{FAR4} openapi.okx.com")
    serve(lab, certificates, certificates.leaf("other", "root", "subjectAltName=DNS:portal.example.net"))
    first = lab.doctor(ca=certificates.root)["diagnosis"][0]
    assert (first["code"], "tls.hostname-mismatch" in first["explains"]) == ("dns.poisoned", True)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_server_that_wants_a_certificate_of_the_client(lab: Lab, certificates: Certificates, version: str) -> None:
    serve(lab, certificates, certificates.leaf("fine", "root"), "-Verify", "1", "-verify_return_error", version)
    assert codes(lab.doctor(ca=certificates.root)) == ["tls.handshake-reset"]
