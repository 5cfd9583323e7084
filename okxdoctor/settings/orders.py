"""Files of orders to look over (``--order``), read before anything is asked of the world."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from okxdoctor.settings.problem import UsageProblem
from okxdoctor.trading_facts import OrderDraft


def read_order_files(paths: Sequence[str]) -> tuple[OrderDraft, ...]:
    """The orders of all files, in their order. Raises :class:`UsageProblem` with file and line for what is none."""
    if not paths:
        return ()
    from okxdoctor.files import named, read_bounded
    from okxdoctor.okx.order_files import LARGEST_BYTES, MOST_ORDERS, OrderFileProblem, read_orders

    found: list[OrderDraft] = []
    for path in paths:
        try:
            content = read_bounded(named(path), LARGEST_BYTES)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise UsageProblem(f"--order: {path} cannot be read: {why}") from None
        try:
            found += read_orders(content, Path(path).name or path)
        except OrderFileProblem as problem:
            where = f"{path}, line {problem.line}" if problem.line else path
            raise UsageProblem(f"--order: {where}: {problem.says}") from None
        if len(found) > MOST_ORDERS:
            raise UsageProblem(f"--order: more than {MOST_ORDERS} orders", "look over fewer at a time")
    return tuple(found)
