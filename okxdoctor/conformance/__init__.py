"""Is somebody's signer, rounding or parser right? Judges, the harness protocol, search, reports.

On the command line: `okxdoctor conform`. In tests of your own:

    from okxdoctor.conformance import assert_conforms
    from mybot import rounding, signing

    def test_signing_conforms():
        assert_conforms(sign=signing.sign, ws_login=signing.login)

    def test_rounding_conforms():
        assert_conforms(round_price=rounding.price, examples=500)

What each function is called with and returns stands in `okxdoctor.conformance.callables`. Nothing heavy is imported
before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["NonConformance", "assert_conforms"]


class NonConformance(AssertionError):
    """An implementation does not conform. The text is the report: each bug with its smallest input."""


def assert_conforms(
    *,
    sign: Callable[..., Any] | None = None,
    ws_login: Callable[..., Any] | None = None,
    round_price: Callable[..., Any] | None = None,
    round_size: Callable[..., Any] | None = None,
    parse_timestamp: Callable[..., Any] | None = None,
    parse_response: Callable[..., Any] | None = None,
    examples: int = 200,
    seconds: float | None = None,
    seed: int = 0,
    database: str | Path | None = None,
    strict: bool = False,
) -> None:
    """Run the reference vectors, then ``examples`` searched inputs, through each function that is given.

    Raises :class:`NonConformance` with the smallest failing input of every bug, and ValueError when no function is
    given or nothing could be run. ``seconds`` bounds the search of each function. The same ``seed`` gives the same
    inputs. ``database`` is a directory where found failures are kept and tried first; None keeps none. ``strict``
    fails on what the exchange merely tolerates.
    """
    from okxdoctor.conformance.callables import Callables
    from okxdoctor.conformance.reports import text
    from okxdoctor.conformance.search import Search
    from okxdoctor.conformance.suite import SUITES, run
    from okxdoctor.reports.look import Look

    given = {
        "sign": sign,
        "ws_login": ws_login,
        "round_price": round_price,
        "round_size": round_size,
        "parse_timestamp": parse_timestamp,
        "parse_response": parse_response,
    }
    functions = {op: function for op, function in given.items() if function is not None}
    if not functions:
        raise ValueError("assert_conforms needs at least one function to test")
    search = Search(
        examples=examples,
        seconds=seconds,
        seed=seed,
        database=None if database is None else Path(database),
        strict=strict,
    )
    failed = []
    for suite, ops in SUITES.items():
        have = [op for op in ops if op in functions]
        if not have:
            continue
        names = ", ".join(getattr(functions[op], "__qualname__", op) for op in have)
        result = run(Callables(functions, names), suite, search=search, seed=seed, strict=strict, ops=have)
        if result.exit_code == 3:
            raise ValueError(f"nothing of {', '.join(have)} could be run: every input was skipped")
        if result.failures:
            failed.append(text.render(result, Look(width=110)))
    if failed:
        raise NonConformance("\n" + "\n".join(failed))
