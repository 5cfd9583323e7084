"""Is okxdoctor's own signing right? Only then does a refused signature say something about the world."""

from __future__ import annotations

from okxdoctor.okx import signing


def vectors_reproduced() -> int:
    """How many reference vectors the signing of this installation reproduces.

    Those that show a client's mistake count as well: they hold what would have been right.

    Raises RuntimeError for a difference: that is a defect of okxdoctor (a broken check), never a finding.
    """
    from okxdoctor.knowledge import vectors

    wrong: list[str] = []
    tried = 0
    for kind in ("sign", "ws"):
        for vector in vectors.load(kind).vectors:
            tried += 1
            given, wire = vector.data["input"], vector.data["wire"]
            if kind == "sign":
                made = signing.sign(
                    given["secret"], given["timestamp"], given["method"], wire["request_path"], wire["body"]
                )
            else:
                made = signing.ws_sign(given["secret"], wire["timestamp"])
            if made != vector.data["expect"]["sign"]:
                wrong.append(vector.id)
    if wrong:
        raise RuntimeError(f"okxdoctor signs {len(wrong)} of {tried} reference vectors wrongly, first {wrong[0]}")
    return tried
