"""The environment check: shapes, files, switches, packages; never a value, and no alarm about a free choice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from fakeio import FakeIo, codes, judged
from hypothesis import given
from hypothesis import strategies as st

from okxdoctor.knowledge.package_table import package_conflicts, release
from okxdoctor.model import Confidence, Finding, Severity
from okxdoctor.port import ConfigFile, CredentialShape, Mangling, Surroundings
from okxdoctor_checks.env import CHECK, Facts

LENGTHS = {"api_key": 36, "secret_key": 32, "passphrase": 12}
LOOKS = {"api_key": "uuid", "secret_key": "hex32", "passphrase": "other"}


def shape(field: Any, **changes: Any) -> CredentialShape:
    base = CredentialShape(
        field=field, source=f"env:OKX_{field.upper()}", present=True, length=LENGTHS[field], looks_like=LOOKS[field]
    )  # type: ignore[arg-type]
    return replace(base, **changes)


def empty(field: Any, source: str | None = None) -> CredentialShape:
    changes: dict[str, Any] = {"present": False, "length": 0, "looks_like": "empty"}
    return shape(field, **changes, **({} if source is None else {"source": source}))


KEY, SECRET, PHRASE = shape("api_key"), shape("secret_key"), shape("passphrase")


def here(*credentials: CredentialShape, **changes: Any) -> Facts:
    base = Surroundings(
        python="3.11.9",
        platform="Linux",
        credentials=credentials or (KEY, SECRET, PHRASE),
        files=(),
        tls_off=(),
        packages=(("httpx", "0.28.1"), ("python-okx", "0.4.4")),
        import_owner="python-okx",
        proxy_variables=(),
    )
    return Facts(surroundings=replace(base, **changes))


def only(facts: Facts) -> Finding:
    found = judged(CHECK, facts)
    assert len(found) == 1, found
    return found[0]


def test_healthy() -> None:
    assert judged(CHECK, here()) == ()


# ---- credentials -----------------------------------------------------------------------------


def test_none_set_at_all_is_fine() -> None:
    assert judged(CHECK, here(empty("api_key", ""), empty("secret_key", ""), empty("passphrase", ""))) == ()
    assert judged(CHECK, replace(here(), surroundings=replace(here().surroundings, credentials=()))) == ()


@pytest.mark.parametrize("field", ["api_key", "secret_key", "passphrase"])
def test_one_empty_beside_the_others(field: str) -> None:
    found = only(here(*(empty(each.field) if each.field == field else each for each in (KEY, SECRET, PHRASE))))
    assert found.code == "env.credentials-missing"
    assert f"OKX_{field.upper()} has it empty" in found.summary


def test_absent_and_unset_siblings_are_listed() -> None:
    found = only(here(KEY, empty("secret_key", "")))
    assert found.evidence["missing"] == ["secret key", "passphrase"]
    assert "empty" not in found.summary


@pytest.mark.parametrize(
    "blemish", ["leading-space", "trailing-space", "newline", "bom", "quotes", "placeholder", "non-ascii", "control"]
)
@pytest.mark.parametrize("of", [KEY, SECRET])
def test_blemish(blemish: str, of: CredentialShape) -> None:
    marred = replace(of, blemishes=(blemish,))
    found = only(here(*(marred if each.field == of.field else each for each in (KEY, SECRET, PHRASE))))
    assert (found.code, found.severity) == ("env.credential-malformed", None)


@pytest.mark.parametrize(
    ("blemish", "severity"),
    [
        ("newline", None),
        ("trailing-space", None),
        ("non-ascii", None),
        ("quotes", Severity.WARNING),
        ("placeholder", Severity.WARNING),
    ],
)
def test_a_passphrase_is_free_text(blemish: str, severity: Severity | None) -> None:
    found = only(here(KEY, SECRET, replace(PHRASE, blemishes=(blemish,))))
    assert found.severity is severity
    assert found.confidence is (Confidence.CERTAIN if severity is None else Confidence.LIKELY)


@pytest.mark.parametrize("looks", ["other", "uuid", "hex32"])
def test_any_shape_of_passphrase_is_fine(looks: Any) -> None:
    assert judged(CHECK, here(KEY, SECRET, replace(PHRASE, looks_like=looks))) == ()


@pytest.mark.parametrize("of", [KEY, SECRET])
def test_wrong_shape_says_the_length_and_not_the_value(of: CredentialShape) -> None:
    cut = replace(of, looks_like="other", length=31)
    found = only(here(*(cut if each.field == of.field else each for each in (KEY, SECRET, PHRASE))))
    assert found.code == "env.credential-malformed"
    assert "31 other characters" in found.summary


def test_several_marred_credentials_are_one_finding() -> None:
    three = [replace(each, blemishes=("newline",)) for each in (KEY, SECRET, PHRASE)]
    assert len(only(here(*three)).evidence["wrong"]) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("looks", "word"),
    [
        ({"secret_key": "other", "passphrase": "hex32"}, "passphrase"),
        ({"api_key": "hex32", "secret_key": "uuid"}, "each other's place"),
        ({"secret_key": "uuid"}, "secret key is a key id"),
        ({"api_key": "hex32", "secret_key": "other"}, "API key has the shape of a secret"),
        ({"api_key": "other", "passphrase": "uuid"}, "passphrase has the shape of a key id"),
    ],
)
def test_swapped_is_not_malformed_as_well(looks: dict[str, str], word: str) -> None:
    found = only(here(*(replace(e, looks_like=looks.get(e.field, e.looks_like)) for e in (KEY, SECRET, PHRASE))))  # type: ignore[arg-type]
    assert found.code == "env.credentials-swapped"
    assert word in found.summary


def test_equal_fields_are_swapped() -> None:
    twins = here(
        KEY, replace(SECRET, equals=("passphrase",)), replace(PHRASE, looks_like="hex32", equals=("secret_key",))
    )
    found = only(twins)
    assert found.code == "env.credentials-swapped"
    assert "same value" in found.summary


# ---- files and switches ----------------------------------------------------------------------

FILE = ConfigFile(path="/home/u/.okx/config.toml", kind="kit", exists=True, mode="0600", holds_secrets=True)


def test_private_file_is_fine() -> None:
    assert judged(CHECK, here(files=(FILE,))) == ()
    assert judged(CHECK, here(files=(replace(FILE, readable_by_others=True, holds_secrets=False),))) == ()
    assert judged(CHECK, here(files=(replace(FILE, exists=False, readable_by_others=True),))) == ()


def test_exposed_file() -> None:
    found = only(here(files=(replace(FILE, mode="0644", readable_by_others=True, tracked_by_git=True),)))
    assert found.code == "env.config-exposed"
    assert "0644" in found.summary
    assert found.remedy[0] == "chmod 600 '/home/u/.okx/config.toml'"
    assert found.remedy[1].startswith("git rm --cached")


def test_mangled_file() -> None:
    found = only(
        here(files=(replace(FILE, mangled=(Mangling(member="passphrase", how="an unquoted # starts a comment"),)),))
    )
    assert found.code == "env.config-mangled"
    assert "unquoted #" in found.summary


def test_verification_off() -> None:
    found = only(here(tls_off=("env:NODE_TLS_REJECT_UNAUTHORIZED=0", "profile verify = false")))
    assert found.code == "env.tls-verification-off"
    assert found.remedy[0] == "unset NODE_TLS_REJECT_UNAUTHORIZED"


# ---- packages --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packages", "conflict"),
    [
        ({"python-okx": "0.4.4", "httpx": "0.28.1"}, None),
        ({"python-okx": "0.4.4", "httpx": "0.26.0"}, None),
        ({"python-okx": "0.4.4", "httpx": "0.26"}, None),
        ({"python-okx": "0.4.4", "httpx": "0.25.2"}, "python-okx"),
        ({"python-okx": "0.2.7", "httpx": "0.25.2"}, "python-okx"),
        ({"python-okx": "0.2.6", "httpx": "0.25.2"}, None),
        ({"python-okx": "0.2.6", "httpx": "0.28.1"}, None),
        ({"python-okx": "0.4.4"}, None),
        ({"okx": "2.1.2"}, None),
        ({"okx": "2.1.2", "python-okx": "0.4.4"}, "okx"),
        ({"ccxt": "4.5.54"}, "ccxt"),
        ({"ccxt": "4.5.55"}, None),
        ({"ccxt": "4.10.0"}, None),
        ({"niquests": "3.14.0"}, "niquests"),
        ({"ccxt": "nonsense"}, None),
    ],
)
def test_conflicts(packages: dict[str, str], conflict: str | None) -> None:
    found = judged(CHECK, here(packages=tuple(packages.items()), import_owner=""))
    assert codes(found) == (["env.dependency-conflict"] if conflict else [])
    if conflict:
        assert found[0].subject == conflict
        assert found[0].remedy


@pytest.mark.parametrize(
    ("owner", "named"), [("python-okx", False), ("", False), ("okx-client-x", True), ("(no distribution)", True)]
)
def test_owner_of_the_import_name(owner: str, named: bool) -> None:
    assert bool(judged(CHECK, here(import_owner=owner))) is named


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.28.1", (0, 28, 1)),
        ("1.0", (1,)),
        ("2", (2,)),
        ("0.28.0rc1", (0, 28)),
        ("v1.2", (1, 2)),
        ("", None),
        ("x", None),
    ],
)
def test_release(text: str, numbers: tuple[int, ...] | None) -> None:
    assert release(text) == numbers


def test_every_conflict_says_where_it_is_from() -> None:
    for row in package_conflicts():
        assert row.says
        assert row.remedy
        assert row.source
        assert row.grade in ("documented", "observed", "assumed")
        assert row.present({row.package: "1", row.beside: "1"}) in (True, False)


@given(st.builds(Facts, surroundings=st.from_type(Surroundings)))
def test_evaluate_is_total(any_facts: Facts) -> None:
    for found in CHECK.evaluate(any_facts):
        assert found.code in CHECK.causes
        assert found.evidence


def test_probe_asks_for_the_surroundings_and_nothing_else() -> None:
    async def once() -> Any:
        return await CHECK.probe(FakeIo(surroundings_fact=here().surroundings))

    assert asyncio.run(once()) == here()


def test_one_is_missing_or_two_are() -> None:
    two = (KEY, empty("secret_key"), empty("passphrase"))
    assert " are not set" in only(here(*two)).summary
    assert only(here(*two)).summary.endswith(" is.")
    one = (KEY, SECRET, empty("passphrase"))
    assert " is not set" in only(here(*one)).summary
    assert only(here(*one)).summary.endswith(" are.")


def test_one_switch_or_two() -> None:
    assert " switches the verification" in only(here(tls_off=("env:PYTHONHTTPSVERIFY=0",))).summary
    both = ("env:PYTHONHTTPSVERIFY=0", "env:NODE_TLS_REJECT_UNAUTHORIZED=0")
    assert " switch the verification" in only(here(tls_off=both)).summary


@pytest.mark.parametrize(
    ("secret", "phrase", "severity"),
    [
        ((), ("quotes",), Severity.WARNING), ((), ("quotes", "placeholder"), Severity.WARNING),
        ((), ("quotes", "outer-space"), None), (("quotes",), (), None),
        (("quotes",), ("quotes",), None), (("outer-space",), ("quotes",), None),
    ],
)  # fmt: skip
def test_one_thing_that_is_surely_wrong_makes_the_whole_sure(
    secret: tuple[str, ...], phrase: tuple[str, ...], severity: Severity | None
) -> None:
    found = only(here(KEY, replace(SECRET, blemishes=secret), replace(PHRASE, blemishes=phrase)))
    assert (found.code, found.severity) == ("env.credential-malformed", severity)
    assert found.excluded == ("env.credentials-swapped",)
