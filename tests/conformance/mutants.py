"""All mutants."""

from __future__ import annotations

from types import ModuleType

from mutant import Function
from mutants_parsing import ANSWERS, TIMES
from mutants_rounding import PRICES, SIZES
from mutants_signing import LOGINS, SIGNERS

MUTANTS = [*SIGNERS, *LOGINS, *PRICES, *SIZES, *TIMES, *ANSWERS]


def functions(right: ModuleType) -> dict[str, Function]:
    ops = ("sign", "ws_login", "round_price", "round_size", "parse_timestamp", "parse_response")
    return {op: getattr(right, op) for op in ops}
