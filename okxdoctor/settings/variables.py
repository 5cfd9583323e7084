"""Variables of the environment that hold credentials: those that are read, and those that only look like them.

A misspelt variable is a credential that is not there, and nothing else would say so: without any, a run is healthy.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from okxdoctor.settings.whereabouts import REST_VARIABLES, WS_VARIABLES

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "api_key": ("OKX_API_KEY",),
    "secret_key": ("OKX_SECRET_KEY", "OKX_API_SECRET"),
    "passphrase": ("OKX_PASSPHRASE", "OKX_API_PASSPHRASE"),
}
"""The variables of each credential; the first that is set and not empty counts."""

_WORDS = {"api_key": "API key", "secret_key": "secret key", "passphrase": "passphrase"}
_OTHERS = (*REST_VARIABLES, *WS_VARIABLES, "OKX_SITE", "OKX_DEMO")
_READ = frozenset((*(name for names in VARIABLES.values() for name in names), *_OTHERS))
_OURS = re.compile(r"(?:OKX|OKEX|OK)_(.+)", re.IGNORECASE)
_KEYS = frozenset(("KEY", "APIKEY", "ACCESSKEY", "APIKEYID", "KEYID", "API"))
_DEMO = re.compile(r"(?:IS|USE)?(?:DEMO|SIMULATED|PAPER|SANDBOX|TESTNET)(?:TRADING|MODE)?|FLAG|XSIMULATEDTRADING")
_NEAR = 0.85


def noticed(environ: Mapping[str, str], unset: Collection[str]) -> Iterator[str]:
    """Notes for the user, without any value: variables that nothing reads where the credential they seem to be is in
    `unset` (``api_key``, ``secret_key``, ``passphrase``), and two names of one credential with different values."""
    for role, names in VARIABLES.items():
        first, *others = [name for name in names if environ.get(name)] or [""]
        for other in others:
            if environ[other] != environ[first]:
                yield f"{other} has another value than {first}, and {first} counts as the {_WORDS[role]}"
    for name in sorted(environ):
        if name in _READ or not environ[name] or (found := _OURS.fullmatch(name)) is None:
            continue
        role = _role(found[1].upper().replace("_", ""))
        if role in unset:
            yield f"{name} is set, and nothing reads it: the {_WORDS[role]} is read from {VARIABLES[role][0]}"
        elif not role and (meant := _nearest(name.upper())):
            yield f"{name} is set, and nothing reads it (did you mean {meant}?)"


def switches(environ: Mapping[str, str]) -> Iterator[str]:
    """Notes on variables by which other tools choose demo trading (``OKX_FLAG=1`` of python-okx), and which would leave
    this run in the live environment."""
    for name in sorted(environ):
        found = _OURS.fullmatch(name)
        word = found[1].upper().replace("_", "") if found is not None and name not in _READ else ""
        value = environ[name].strip()
        if _DEMO.fullmatch(word) and value.lower() in ("1", "true", "yes", "on"):
            yield f"{name}={value} is set, and nothing reads it: demo trading is --target demo, or OKX_DEMO=1"


def mixed(sources: Mapping[str, str]) -> Iterator[str]:
    """A note where parts of one key come from the environment and others from a file: a variable that was left set
    puts the key of another account beside a profile's secret. `sources` of the parts that are set, by role."""
    if len({source.startswith("env:") for source in sources.values()}) > 1:
        told = ", ".join(f"the {_WORDS[role]} from {source}" for role, source in sources.items())
        yield f"the credentials come from different places, and must belong together: {told}"


def _role(letters: str) -> str:
    """What a variable seems to be by its name, in capitals and without ``_``; "" for none of the three."""
    if "PASS" in letters:
        return "passphrase"
    if "SECRET" in letters:
        return "secret_key"
    return "api_key" if letters in _KEYS or letters.endswith("APIKEY") else ""


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, _OTHERS, n=1, cutoff=_NEAR)), "")
