"""Which certificates this configuration trusts, and the TLS contexts built from them, once each."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from okxdoctor.port import TrustStore
from okxdoctor.targets.live.verify import dateless

Problem = Literal["", "missing", "unreadable", "empty", "not-pem"]

_SMALL = 20_000
_BEGIN = b"-----BEGIN"
_MARKS = (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN TRUSTED CERTIFICATE-----", b"-----BEGIN X509 CERTIFICATE-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A context with a store in it, and what the store is."""

    context: ssl.SSLContext
    store: TrustStore


class Trust:
    """The store in use: the configured file, else what OpenSSL's variables name, else the system's, else certifi's."""

    def __init__(self, ca_file: str | None, environ: Mapping[str, str] | None = None) -> None:
        self._ca_file = ca_file
        self._environ = os.environ if environ is None else environ
        self._loading: dict[str, asyncio.Task[Loaded]] = {}

    async def in_use(self) -> Loaded:
        """What this run verifies with. Total: a store that cannot be read is an empty one, with its problem named."""
        return await self._once("in-use", self.load_in_use)

    async def dateless(self, store: Literal["in-use", "system", "bundled"]) -> Loaded:
        """A store in a context that judges only the way to a root (see ``verify``), apart from the one in use."""
        load = {"in-use": self.load_in_use, "system": load_system, "bundled": load_bundled}[store]

        def without_dates() -> Loaded:
            loaded = load()
            return Loaded(context=dateless(loaded.context), store=loaded.store)

        return await self._once(f"dateless {store}", without_dates)

    async def close(self) -> None:
        await asyncio.gather(*self._loading.values(), return_exceptions=True)

    async def _once(self, key: str, load: Callable[[], Loaded]) -> Loaded:
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.ensure_future(self._load(key, load))
        return await asyncio.shield(task)

    async def _load(self, key: str, load: Callable[[], Loaded]) -> Loaded:
        # A whole store takes OpenSSL 10–30 ms, without Python's lock: that is work for a thread. A file of a few
        # certificates is read sooner than a thread is started.
        if key.endswith("in-use") and self._ca_file is not None and _size(self._ca_file) < _SMALL:
            return load()
        return await asyncio.to_thread(load)

    def load_in_use(self) -> Loaded:
        if self._ca_file is not None:
            return load_file(self._ca_file, source="ca-file")
        named = self._environ.get("SSL_CERT_FILE")
        if named:
            return load_file(named, source="env:SSL_CERT_FILE")
        system = load_system()
        return system if system.store.certificates else load_bundled()


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def bare_context() -> ssl.SSLContext:
    """A client context as ``ssl.create_default_context`` makes it on this Python, with no root in it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    return context


def load_file(path: str, *, source: str) -> Loaded:
    """The certificates of a PEM file as a store. Total: a file that cannot be read or holds none is a ``problem``."""
    context = bare_context()
    problem = pem_problem(path)
    if not problem:
        try:
            context.load_verify_locations(cafile=path)
        except (ssl.SSLError, OSError):
            problem = "not-pem"
    return _loaded(context, source=source, path=path, problem=problem)


def load_system() -> Loaded:
    """The operating system's store, as OpenSSL (or Windows) knows it."""
    context = bare_context()
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    paths = ssl.get_default_verify_paths()
    path = paths.cafile or paths.capath or ""
    count = context.cert_store_stats()["x509"]
    if not count and paths.capath:
        # OpenSSL opens the files of a hashed directory one by one, when a chain asks for them.
        count = _hashed_files(paths.capath)
    return Loaded(
        context=context,
        store=TrustStore(source="system", path=path, certificates=count, problem="" if count else "empty"),
    )


def load_bundled() -> Loaded:
    """certifi's copy of Mozilla's store, which most Python clients verify with."""
    import certifi

    return load_file(certifi.where(), source="certifi")


def pem_problem(path: str) -> Problem:
    """Why a file is no certificate file, ``""`` if it may be one."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "unreadable"
    if not content.strip():
        return "empty"
    if any(mark in content for mark in _MARKS):
        return ""
    # A PEM file with a key or a request in it has no certificate; a DER file has no PEM armour at all.
    return "empty" if _BEGIN in content else "not-pem"


def _loaded(context: ssl.SSLContext, *, source: str, path: str, problem: Problem) -> Loaded:
    count = context.cert_store_stats()["x509"]
    return Loaded(context=context, store=TrustStore(source=source, path=path, certificates=count, problem=problem))


def _hashed_files(directory: str) -> int:
    try:
        return sum(1 for name in os.listdir(directory) if len(name) > 8 and name[8] == "." and name[9:].isdigit())
    except OSError:
        return 0
