"""Words and numbers for readers: evidence with its units, durations, counts, text that is safe on a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from okxdoctor.model import Json, Report, Severity

_UNITS = {
    "s": "s",
    "ms": "ms",
    "us": "µs",
    "ns": "ns",
    "min": "min",
    "h": "h",
    "days": "days",
    "bytes": "bytes",
    "bits": "bits",
    "percent": "%",
    "pct": "%",
    "ppm": "ppm",
}

_ASCII = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "·": "|",
        "–": "-",
        "—": "-",
        "−": "-",
        "…": "...",
        "±": "+/-",
        "µ": "u",
        "→": "->",
        "≤": "<=",
        "≥": ">=",
        "×": "x",
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "\u00a0": " ",
    }
)


def one_line(text: str) -> str:
    """Text from anywhere as one line that cannot steer a terminal: control, format and bidirectional characters
    become visible or blanks."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else _visible(c) for c in text).strip()


def _visible(character: str) -> str:
    if character in "\t\r\n\x0b\x0c\u2028\u2029":
        return " "
    return character if character == "\u00a0" else f"\\x{ord(character):02x}"


def ascii_only(text: str) -> str:
    """The text in ASCII: known signs by their likes, the rest as escapes."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def cut(text: str, room: int) -> str:
    """At most ``room`` characters, an ellipsis where something was left out."""
    return text if len(text) <= room else text[: max(1, room - 1)].rstrip() + "…"


def number(value: float) -> str:
    """Integers in full; others with up to six significant digits and no exponent where that reads well."""
    if isinstance(value, int):
        return str(value)
    if value - value != 0:
        return str(value)
    text = f"{value + 0.0:.6g}"  # minus zero is zero
    return text if "e" not in text else f"{value:.3g}"


def plain(value: Json) -> str:
    """A JSON-able value for a reader."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return number(value)
        case str():
            return one_line(value) or "(empty)"
        case Mapping():
            return ", ".join(f"{one_line(key)} {plain(item)}" for key, item in value.items()) or "none"
        case _:
            # Records and sentences stand further apart than their parts do.
            apart = "; " if any(isinstance(item, Mapping) or ", " in str(item) for item in value) else ", "
            return apart.join(plain(item) for item in value) or "none"


def measure(name: str, value: Json) -> str:
    """One item of evidence: ``skew_s`` and 45.02 read ``skew 45.02 s``."""
    words = name.split("_")
    unit = _UNITS.get(words[-1])
    if len(words) > 1 and unit is not None and value is None:
        return f"{one_line(' '.join(words[:-1]))} none"
    if len(words) > 1 and unit is not None and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{one_line(' '.join(words[:-1]))} {number(value)}{'' if unit == '%' else ' '}{unit}"
    return f"{one_line(' '.join(words))} {plain(value)}"


def duration(elapsed_ms: float) -> str:
    return f"{elapsed_ms:.0f} ms" if elapsed_ms < 1000 else f"{elapsed_ms / 1000:.1f} s"


def count(amount: int, noun: str) -> str:
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def tally(report: Report) -> str:
    """``1 error, 2 warnings`` or ``nothing found``."""
    errors = sum(d.severity is Severity.ERROR for d in report.diagnosis)
    warnings = len(report.diagnosis) - errors
    parts = [count(errors, "error")] * bool(errors) + [count(warnings, "warning")] * bool(warnings)
    return ", ".join(parts) or "nothing found"
