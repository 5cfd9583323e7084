"""The matrix of sites and environments: the same signed read in every cell, after 50119, and who knows the key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from okxdoctor.check import Inconclusive, Skip
from okxdoctor.port import Ask, Cell, Failure, Io
from okxdoctor_checks._answers import Reply, line, read, together
from okxdoctor_checks._refusals import KNOWS_THE_KEY, NOT_LISTED, UNKNOWN_KEY

Environment = Literal["live", "demo"]
AT_HOME = 2
"""How many more connections the place that knows the key is asked over, after it refused the address of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The same signed read on another site or environment. ``asked``: false where a recording does not hold it."""

    site: str
    environment: Environment
    rest_url: str
    ws_url: str
    same_host: bool
    reply: Reply
    asked: bool = True


async def walk(io: Io, ask: Ask) -> tuple[Trial, ...]:
    """The same read in every other cell of the matrix of sites and environments, all at once."""
    here = (io.view.site, io.view.environment)
    own = next((cell.rest_url for cell in io.view.cells if (cell.site, cell.environment) == here), io.view.rest.url)
    others = [cell for cell in io.view.cells if (cell.site, cell.environment) != here]

    async def one(cell: Cell) -> Trial:
        name = f"{cell.site}/{cell.environment}"
        asked = True
        try:
            reply = read(await io.http(replace(ask, cell=name, simulated=cell.environment == "demo")))
        except (Skip, Inconclusive) as unseen:  # a recording does not hold it
            failure = Failure(kind="other", phase="first-byte", detail=unseen.because)
            reply = Reply(method=ask.method, path=ask.path, kind="failed", failure=failure)
            asked = False
        return Trial(
            site=cell.site,
            environment=cell.environment,
            rest_url=cell.rest_url,
            ws_url=cell.ws_url,
            same_host=cell.rest_url == own,
            reply=reply,
            asked=asked,
        )

    return await together(*(one(cell) for cell in others))


def every_cell_told(matrix: tuple[Trial, ...], here: str, code: str) -> None:
    """That a key exists nowhere takes an answer from everywhere: raises Inconclusive where somebody asked was silent.

    Who is told to make a new key because one site did not answer makes it in vain.
    """
    if any(map(knows_the_key, matrix)):
        return
    silent = [trial for trial in matrix if trial.asked and trial.reply.code not in UNKNOWN_KEY]
    if silent:
        where = ", ".join(f"{trial.site}/{trial.environment} ({trial.reply.said})" for trial in silent)
        raise Inconclusive(line(f"the key does not exist on {here} ({code}); whether elsewhere was not told: {where}"))


async def at_home(io: Io, ask: Ask, matrix: tuple[Trial, ...]) -> tuple[Reply, ...]:
    """Whether the address that the key's own site refused is the one that all connections leave from."""
    known = [trial for trial in matrix if knows_the_key(trial)]
    if len(known) != 1 or known[0].reply.code != NOT_LISTED:
        return ()
    home = known[0]
    ask = replace(ask, cell=f"{home.site}/{home.environment}", simulated=home.environment == "demo", fresh=True)
    try:
        return tuple(map(read, await together(*(io.http(ask) for _ in range(AT_HOME)))))
    except (Skip, Inconclusive):  # a recording does not hold it
        return ()


def knows_the_key(trial: Trial) -> bool:
    return trial.reply.kind == "ok" or trial.reply.code in KNOWS_THE_KEY
