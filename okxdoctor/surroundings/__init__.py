"""The machine and the configuration as a run sees them: offline, quick, and nothing secret in the result."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Protocol

from okxdoctor.knowledge.systems import platform
from okxdoctor.port import ConfigFile, CredentialShape, Surroundings
from okxdoctor.redact import shown_url
from okxdoctor.secret import Secret
from okxdoctor.surroundings.files import dotenv_file, toml_file
from okxdoctor.surroundings.packages import folders, installed, owner_of_okx
from okxdoctor.surroundings.shapes import shape

__all__ = ["gather"]

Field = Literal["api_key", "secret_key", "passphrase"]

_PROXY_VARIABLES = ("http_proxy", "https_proxy", "ws_proxy", "wss_proxy", "all_proxy", "no_proxy")
_VERIFICATION_OFF = {"NODE_TLS_REJECT_UNAUTHORIZED": ("0",), "PYTHONHTTPSVERIFY": ("0",)}
"""Variables that switch certificate verification off for whole runtimes, and the values that do.

Sources: Node.js command-line documentation; PEP 493 (Python 2.7 and patched distributions).
"""


class GivenSecret(Protocol):
    """One effective credential and where it came from."""

    @property
    def value(self) -> Secret: ...

    @property
    def source(self) -> str: ...


class SeenFile(Protocol):
    """A configuration file that was read."""

    @property
    def path(self) -> Path: ...

    @property
    def kind(self) -> str: ...

    @property
    def profile(self) -> str | None: ...


def gather(
    *,
    credentials: Iterable[tuple[Field, GivenSecret]],
    files: Iterable[SeenFile] = (),
    tls_off: tuple[str, ...] = (),
    environ: Mapping[str, str],
    folder: Path | None = None,
    search_path: Iterable[str] | None = None,
) -> Surroundings:
    """Look at what is here. Never raises for what it finds; what cannot be read is left out.

    ``folder`` is where a ``.env`` file may lie (None: not looked for); ``search_path`` are the folders that Python
    packages are searched in (None: those of this interpreter and of an activated environment).
    """
    given = dict(credentials)
    where = tuple(folders(environ) if search_path is None else search_path)
    seen = []
    for file in files:
        # Only a member that is in use can have been mangled to harm: others are another key's.
        used = tuple(name for name, one in given.items() if str(file.path) in one.source)
        seen.append(toml_file(file.path, file.kind, file.profile, used))
    if folder is not None:
        seen += _dotenv(folder / ".env", environ)
    return Surroundings(
        python=sys.version.split()[0],
        platform=platform(),
        credentials=tuple(_shapes(given)),
        files=tuple(seen),
        tls_off=(*tls_off, *_switched_off(environ)),
        packages=installed(where),
        import_owner=owner_of_okx(where),
        proxy_variables=tuple(
            (name, shown_url(value)) for name, value in sorted(environ.items()) if name.lower() in _PROXY_VARIABLES
        ),
    )


def _shapes(given: Mapping[Field, GivenSecret]) -> Iterable[CredentialShape]:
    for name, one in given.items():
        same = tuple(other for other, two in given.items() if other != name and two.value and two.value == one.value)
        yield shape(name, one.value, one.source, equals=same)


def _switched_off(environ: Mapping[str, str]) -> Iterable[str]:
    for name, values in _VERIFICATION_OFF.items():
        if environ.get(name, "").strip() in values:
            yield f"env:{name}={environ[name].strip()}"


def _dotenv(path: Path, environ: Mapping[str, str]) -> list[ConfigFile]:
    found = dotenv_file(path, environ)
    return [] if found is None else [found]
