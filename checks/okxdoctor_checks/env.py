"""This machine's configuration and surroundings, before a single packet is sent.

What it looks at: the shape of key, secret and passphrase (never their value); configuration files, whether their parser
keeps what was typed and who can read them; switches that turn certificate verification off; installed packages that
OKX clients stumble over.

What it means
  env.credentials-missing    one of the three is empty although another one is set (none at all is fine)
  env.credential-malformed   a blank, a newline, quotes, a placeholder, a wrong shape
  env.credentials-swapped    a value stands in another one's place
  env.config-mangled         the file says another value than its parser reads (# $ \\ or a number without quotes)
  env.config-exposed         others can read the file with the secret, or git keeps it
  env.tls-verification-off   a setting makes every certificate acceptable
  env.dependency-conflict    installed versions that break OKX clients

What to do: a key id is a UUID, a secret is 32 hexadecimal digits, a passphrase is what you chose when the key was made.
Put values in single quotes in shells and .env files. A file with secrets is for its owner only (chmod 600).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from okxdoctor.check import Check
from okxdoctor.knowledge.package_table import package_conflicts
from okxdoctor.model import Confidence, Finding, Json, Severity
from okxdoctor.port import ConfigFile, CredentialShape, Io, Surroundings
from okxdoctor_checks._words import listed

OFFICIAL = "python-okx"
FIELD_NAMES = {"api_key": "API key", "secret_key": "secret key", "passphrase": "passphrase"}
SHAPE_OF = {"api_key": "uuid", "secret_key": "hex32"}
SHAPE_WORDS = {
    "uuid": "a UUID (8-4-4-4-12 hexadecimal digits)",
    "hex32": "32 hexadecimal digits",
}
BLEMISH_WORDS = {
    "leading-space": "begins with white space",
    "trailing-space": "ends with white space",
    "newline": "contains a line break",
    "bom": "contains a byte order mark",
    "quotes": "has quotes around it",
    "placeholder": "is a placeholder text",
    "non-ascii": "has characters outside ASCII",
    "control": "contains control characters",
}
# A passphrase is free text: one in brackets or quotes may be meant so, though it rarely is.
DOUBTFUL_IN_PASSPHRASE = frozenset({"quotes", "placeholder"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    surroundings: Surroundings


# ---- probe -----------------------------------------------------------------------------------


async def probe(io: Io) -> Facts:
    return Facts(surroundings=await io.surroundings())


# ---- evaluate --------------------------------------------------------------------------------


def evaluate(facts: Facts) -> Iterator[Finding]:
    here = facts.surroundings
    shapes: dict[str, CredentialShape] = {shape.field: shape for shape in here.credentials}
    present = [shape for shape in shapes.values() if shape.present and shape.looks_like != "empty"]
    yield from _missing(shapes, present)
    swapped = _swapped(shapes)
    if swapped is not None:
        yield swapped
    yield from _malformed(present, shape_known=swapped is None)
    for file in here.files:
        yield from _file(file)
    yield from _verification_off(here)
    yield from _conflicts(here)


def _origin(shape: CredentialShape) -> str:
    """Where it came from, for a sentence: a variable's name, or the profile without its file."""
    return shape.source.removeprefix("env:").partition(" (")[0]


def _named(shape: CredentialShape) -> str:
    origin = _origin(shape)
    return f"the {FIELD_NAMES[shape.field]}" + (f" ({origin})" if origin else "")


def _each(shapes: Iterable[CredentialShape], tell: Callable[[CredentialShape], object]) -> list[Json]:
    """One text a credential. No mapping by field: whatever stands under such a name is taken for the secret itself."""
    return [f"{FIELD_NAMES[shape.field]}: {tell(shape)}" for shape in shapes]


def _missing(shapes: Mapping[str, CredentialShape], present: list[CredentialShape]) -> Iterator[Finding]:
    there = {shape.field for shape in present}
    absent: list[str] = [field for field in FIELD_NAMES if field not in there]
    if not present or not absent:
        return
    empty = [shapes[field] for field in absent if field in shapes and shapes[field].source]
    how = f" ({listed(dict.fromkeys(_origin(shape) for shape in empty))} has it empty)" if empty else ""
    yield Finding(
        code="env.credentials-missing",
        summary=f"The {listed(FIELD_NAMES[field] for field in absent)} {'is' if len(absent) == 1 else 'are'} not set"
        f"{how}, while the {listed(FIELD_NAMES[shape.field] for shape in present)} "
        f"{'is' if len(present) == 1 else 'are'}.",
        evidence={
            "missing": [FIELD_NAMES[field] for field in absent],
            "sources": _each(shapes.values(), lambda shape: shape.source or "nowhere"),
        },
    )


def _swapped(shapes: Mapping[str, CredentialShape]) -> Finding | None:
    key, secret, passphrase = (shapes.get(field) for field in FIELD_NAMES)
    looks = {field: shape.looks_like if (shape := shapes.get(field)) is not None else "empty" for field in FIELD_NAMES}
    said = ""
    twins = next((shape for shape in shapes.values() if shape.equals), None)
    if twins is not None:
        said = f"{_named(twins)} and the {listed(FIELD_NAMES.get(f, f) for f in twins.equals)} have the same value"
    elif key is not None and looks["secret_key"] == "uuid":
        # The secret's place holds a key id; the key's place may hold the secret.
        both = looks["api_key"] == "hex32"
        said = "API key and secret key stand in each other's place" if both else "the secret key is a key id (a UUID)"
    elif secret is not None and looks["api_key"] == "hex32" and looks["secret_key"] != "hex32":
        said = "the API key has the shape of a secret (32 hexadecimal digits), and the secret has not"
    elif passphrase is not None and looks["passphrase"] == "hex32" and looks["secret_key"] == "other":
        said = "the passphrase has the shape of a secret (32 hexadecimal digits), and the secret has not"
    elif passphrase is not None and looks["passphrase"] == "uuid" and looks["api_key"] == "other":
        said = "the passphrase has the shape of a key id (a UUID), and the key has not"
    if not said:
        return None
    return Finding(
        code="env.credentials-swapped",
        summary=f"{said[0].upper()}{said[1:]}.",
        evidence={
            "looks_like": _each(shapes.values(), lambda shape: shape.looks_like),
            "length_chars": _each(shapes.values(), lambda shape: shape.length),
            "sources": _each(shapes.values(), lambda shape: shape.source or "nowhere"),
        },
        excluded=("env.credential-malformed",),
    )


def _malformed(present: list[CredentialShape], *, shape_known: bool) -> Iterator[Finding]:
    """One finding for all credentials: the same careless copy usually touches several."""
    wrong: dict[str, list[str]] = {}
    doubtful = True
    for shape in present:
        said = [BLEMISH_WORDS.get(blemish, blemish) for blemish in shape.blemishes]
        wanted = SHAPE_OF.get(shape.field)
        if not said and shape_known and wanted is not None and shape.looks_like != wanted:
            said = [f"is not {SHAPE_WORDS[wanted]} but {shape.length} other characters"]
        if said:
            wrong[shape.field] = said
            doubtful = doubtful and shape.field == "passphrase" and set(shape.blemishes) <= DOUBTFUL_IN_PASSPHRASE
    if not wrong:
        return
    named: dict[str, str] = {shape.field: _named(shape) for shape in present}
    text = "; ".join(f"{named[field]} {listed(said)}" for field, said in wrong.items())
    yield Finding(
        code="env.credential-malformed",
        summary=f"{text[0].upper()}{text[1:]}.",
        evidence={
            "wrong": [f"{FIELD_NAMES[field]} {listed(said)}" for field, said in wrong.items()],
            "length_chars": _each(present, lambda shape: shape.length),
            "sources": _each(present, lambda shape: shape.source or "nowhere"),
        },
        severity=Severity.WARNING if doubtful else None,
        confidence=Confidence.LIKELY if doubtful else Confidence.CERTAIN,
        excluded=("env.credentials-swapped",) if shape_known else (),
    )


def _file(file: ConfigFile) -> Iterator[Finding]:
    if file.mangled:
        members = [f"{each.member}: {each.how}" for each in file.mangled]
        said = "; ".join(members[:3])
        yield Finding(
            code="env.config-mangled",
            summary=f"{file.path} does not mean what it says ({said}).",
            evidence={"path": file.path, "kind": file.kind, "members": members},
            remedy=(
                f"Put the value of {file.mangled[0].member} in {file.path} into single quotes, as it was chosen",
                "okxdoctor run --only 'env.*'   # reads it again",
            ),
        )
    if file.exists and file.holds_secrets and (file.readable_by_others or file.tracked_by_git):
        ways = [
            *([f"others on this machine can read it (mode {file.mode})"] if file.readable_by_others else []),
            *(["git keeps it"] if file.tracked_by_git else []),
        ]
        yield Finding(
            code="env.config-exposed",
            summary=f"{file.path} holds secrets and {listed(ways)}.",
            evidence={
                "path": file.path,
                "mode": file.mode,
                "readable_by_others": file.readable_by_others,
                "tracked_by_git": file.tracked_by_git,
            },
            remedy=(
                *((f"chmod 600 '{file.path}'",) if file.readable_by_others else ()),
                *(
                    (f"git rm --cached '{file.path}', add it to .gitignore, and replace the key: history keeps it",)
                    if file.tracked_by_git
                    else ()
                ),
            ),
        )


def _verification_off(here: Surroundings) -> Iterator[Finding]:
    if not here.tls_off:
        return
    variables = [text.removeprefix("env:").partition("=")[0] for text in here.tls_off if text.startswith("env:")]
    yield Finding(
        code="env.tls-verification-off",
        summary=f"{listed(text.removeprefix('env:') for text in here.tls_off)} "
        f"{'switches' if len(here.tls_off) == 1 else 'switch'} the verification of certificates off.",
        evidence={"settings": list(here.tls_off)},
        remedy=(
            *((f"unset {' '.join(variables)}",) if variables else ()),
            "For a private root: SSL_CERT_FILE=/path/to/both.pem for the client, --ca-file for okxdoctor",
        ),
    )


def _conflicts(here: Surroundings) -> Iterator[Finding]:
    packages = dict(here.packages)
    for conflict in package_conflicts():
        if conflict.present(packages):
            names = [name for name in (conflict.package, conflict.beside) if name]
            versions = listed(f"{name} {packages[name]}" for name in names)
            yield Finding(
                code="env.dependency-conflict",
                summary=f"{versions}: {conflict.says}.",
                evidence={"packages": {name: packages[name] for name in names}, "source": conflict.source},
                subject=conflict.package,
                remedy=(conflict.remedy,),
            )
    if OFFICIAL in packages and here.import_owner not in ("", OFFICIAL) and here.import_owner not in packages:
        owner = "a folder or file of that name" if here.import_owner.startswith("(") else here.import_owner
        yield Finding(
            code="env.dependency-conflict",
            summary=f"'import okx' loads {owner}, not {OFFICIAL} {packages[OFFICIAL]}, which is installed too.",
            evidence={"import_owner": here.import_owner, "packages": {OFFICIAL: packages[OFFICIAL]}},
            subject="okx",
            remedy=(
                "python3 -c 'import okx; print(okx.__path__)'   # then rename or uninstall what should not be there"
                '     Windows: python -c "import okx; print(okx.__path__)"   # rename what should not be there',
            ),
        )


CHECK = Check(
    id="env",
    title="Configuration and surroundings are in order",
    facts=Facts,
    probe=probe,
    evaluate=evaluate,
    causes=(
        "env.credentials-missing",
        "env.credential-malformed",
        "env.credentials-swapped",
        "env.config-mangled",
        "env.config-exposed",
        "env.tls-verification-off",
        "env.dependency-conflict",
    ),
)
