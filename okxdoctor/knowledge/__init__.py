"""What is known about OKX, as data: causes, codes, endpoints, hosts, enumerations, limits of judgement.

Each fact carries its source, the date it was seen and a grade. Files are split so that looking up one row parses
little: `okxdoctor explain` must start about as fast as the command line library itself.
"""

from __future__ import annotations

from okxdoctor.knowledge.cause_table import CauseRow, LookAlike, cause, causes, families, family

__all__ = ["CauseRow", "LookAlike", "cause", "causes", "families", "family"]
