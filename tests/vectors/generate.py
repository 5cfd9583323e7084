"""Writes `okxdoctor/knowledge/vectors/*.json`. The expected values come from `oracle.py` (the openssl program,
fractions).

    python tests/vectors/generate.py            write the files
    python tests/vectors/generate.py --check    exit 1 when the files differ from what would be written

Ids are made of the input, so a vector keeps its id when others are added, a changed input gets a new id, and no id
can ever be used for something else.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import login_cases
import oracle
import parsing_cases
import rounding_cases
import signing_cases
import signing_combinations
import signing_mistakes
from signing_mistakes import Signing

FOLDER = Path(__file__).parents[2] / "okxdoctor" / "knowledge" / "vectors"
SCHEMA = "okxdoctor.vectors/1"

Vector = dict[str, Any]


def identified(kind: str, vector: Vector) -> Vector:
    """The vector with its id: a digest of what is asked, not of what is answered."""
    wire = {name: text for name, text in vector.get("wire", {}).items() if name != "sign"}
    asked = [vector["op"], vector["input"], vector.get("sent", {}).get("mistake"), wire]
    text = json.dumps(asked, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return {"id": f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:10]}", **vector}


# ---- signing -------------------------------------------------------------------------------------------------------


def stages(signings: list[Signing]) -> list[Vector]:
    """Prehash, digest and signature text of each, by openssl."""
    raw = oracle.digests([(s.algorithm, s.key, s.message) for s in signings])
    plain = oracle.base64(raw)
    of_hex = oracle.base64([digest.hex().encode() for digest in raw])
    out = []
    for signing, digest, text, hex_text in zip(signings, raw, plain, of_hex, strict=True):
        sign = {
            "base64": text,
            "hex": digest.hex(),
            "hex-upper": digest.hex().upper(),
            "base64-of-hex": hex_text,
            "base64url": text.replace("+", "-").replace("/", "_"),
            "base64-unpadded": text.rstrip("="),
            "base64-newline": text + "\n",
            "python-bytes": f"b'{text}'",
            "literal": signing.literal,
        }[signing.form]
        message = signing.message
        out.append(
            {"prehash": message.decode(), "prehash_hex": message.hex(), "digest_hex": digest.hex(), "sign": sign}
        )
    return out


def signing_vectors() -> list[Vector]:
    requests = [*signing_cases.valid(), *signing_combinations.valid()]
    wrong = list(signing_mistakes.applications())
    right = [signing_mistakes.right_signing(request) for request in requests]
    wrong_base = [signing_mistakes.right_signing(base) for base, _ in wrong]
    wrong_sent = [mistake.apply(signing) for (_, mistake), signing in zip(wrong, wrong_base, strict=True)]
    computed = stages([*right, *wrong_base, *wrong_sent])
    vectors = []
    for request, stage in zip(requests, computed, strict=False):
        if request.published_sign is not None and request.published_sign != stage["sign"]:
            raise SystemExit(f"a published signature is not reproduced: {request.comment}")
        vectors.append(_request_vector(request, stage))
    count = len(wrong)
    for (base, mistake), sent, expected, stage in zip(
        wrong, wrong_sent, computed[len(right) :], computed[len(right) + count :], strict=False
    ):
        if sent.header == base.timestamp and stage["sign"] == expected["sign"]:
            continue  # the mistake does not show in this request: the exchange would accept it
        vector = _request_vector(base, expected)
        kept = (flag for flag in vector["flags"] if flag != "canonical")
        vector["flags"] = ["must-fail", *mistake.flags, *kept]
        vector["valid"] = False
        vector["comment"] = f"{mistake.step.capitalize()} {mistake.wrong}, in {base.comment}."
        vector |= {"cause": mistake.cause, "sent": _sent(sent, mistake, stage)}
        vectors.append(vector)
    return vectors


def _request_vector(request: signing_cases.Request, stage: Vector) -> Vector:
    vector: Vector = {
        "op": "sign",
        "flags": list(request.flags),
        "valid": True,
        "comment": request.comment,
        "input": {
            "secret": request.secret,
            "timestamp": request.timestamp,
            "method": request.method,
            "path": request.path,
            "params": None if request.params is None else [[name, _listed(value)] for name, value in request.params],
            "body_json": request.body or None,
        },
        "wire": {"request_path": request.request_path, "body": request.body},
        "expect": stage,
    }
    return vector if request.source is None else vector | {"source": request.source}


def _listed(value: str | bool | tuple[str, ...] | None) -> str | bool | list[str] | None:
    return list(value) if isinstance(value, tuple) else value


def _sent(sent: Signing, mistake: signing_mistakes.Mistake, stage: Vector) -> Vector:
    return {
        "mistake": {"step": mistake.step, "is": mistake.wrong, "should_be": mistake.right},
        "timestamp": sent.header,
        "algorithm": sent.algorithm,
        "key_hex": sent.key.hex(),
        "form": sent.form,
        **stage,
    }


def login_vectors() -> list[Vector]:
    logins = list(login_cases.valid())
    bases = [
        login_cases.Login("", (), "1767225600"),
        login_cases.Login("", (), "1704876947", secret=signing_cases.OTHER_SECRET),
    ]
    shared = [*signing_mistakes._writing_mistakes(), *signing_mistakes._secret_mistakes()]
    wrong = [(base, mistake) for base in bases for mistake in [*login_cases.mistakes(int(base.timestamp)), *shared]]
    wrong_sent = [mistake.apply(login_cases.right_signing(base)) for base, mistake in wrong]
    computed = stages(
        [
            *(login_cases.right_signing(login) for login in logins),
            *(login_cases.right_signing(base) for base, _ in wrong),
            *wrong_sent,
        ]
    )
    vectors = []
    for login, stage in zip(logins, computed, strict=False):
        if login.published_sign is not None and login.published_sign != stage["sign"]:
            raise SystemExit(f"a published signature is not reproduced: {login.comment}")
        vectors.append(_login_vector(login, stage))
    first, count = len(logins), len(wrong)
    for (base, mistake), sent, expected, stage in zip(
        wrong, wrong_sent, computed[first:], computed[first + count :], strict=False
    ):
        if sent.header == base.timestamp and stage["sign"] == expected["sign"]:
            continue
        vector = _login_vector(base, expected)
        vector |= {
            "flags": ["must-fail"],
            "valid": False,
            "comment": f"{mistake.step.capitalize()} {mistake.wrong}, in a login.",
            "cause": mistake.cause,
            "sent": _sent(sent, mistake, stage),
        }
        vectors.append(vector)
    return vectors


def _login_vector(login: login_cases.Login, stage: Vector) -> Vector:
    return {
        "op": "ws_login",
        "flags": list(login.flags),
        "valid": True,
        "comment": login.comment,
        "input": {
            "key": login.key,
            "secret": login.secret,
            "passphrase": login.passphrase,
            "epoch_s": login.timestamp,
        },
        "wire": {
            "apiKey": login.key,
            "passphrase": login.passphrase,
            "timestamp": login.timestamp,
            "sign": stage["sign"],
        },
        "expect": stage,
    }


# ---- files ---------------------------------------------------------------------------------------------------------


def document(kind: str, note: str, flags: dict[str, str], vectors: list[Vector]) -> str:
    """One file: a header and one line for each vector, so that a change shows as the lines it touches."""
    unique = {vector["id"]: vector for vector in reversed([identified(kind, v) for v in vectors])}
    ordered = list(reversed(unique.values()))
    used = {flag for vector in ordered for flag in vector["flags"]}
    if used - flags.keys():
        raise SystemExit(f"{kind}: flags without a note: {sorted(used - flags.keys())}")
    head = json.dumps(
        {"schema": SCHEMA, "kind": kind, "note": note, "flags": {f: flags[f] for f in flags if f in used}},
        ensure_ascii=True,
        indent=1,
    )
    lines = ",\n".join(json.dumps(vector, ensure_ascii=True, separators=(",", ":")) for vector in ordered)
    return f'{head[:-2]},\n "vectors": [\n{lines}\n]}}\n'


def documents() -> dict[str, str]:
    return {
        "sign.json": document(
            "sign",
            "REST requests. `valid` speaks of the signature alone: the exchange may still refuse what it asks for.",
            signing_cases.FLAGS,
            signing_vectors(),
        ),
        "ws.json": document("ws", "WebSocket logins.", login_cases.FLAGS, login_vectors()),
        "round.json": document("round", rounding_cases.NOTE, rounding_cases.FLAGS, rounding_cases.vectors()),
        "parse.json": document("parse", parsing_cases.NOTE, parsing_cases.FLAGS, parsing_cases.vectors()),
    }


def main(arguments: list[str]) -> int:
    if oracle.OPENSSL is None:
        print("the openssl program is needed", file=sys.stderr)
        return 3
    differing = []
    for name, text in documents().items():
        file = FOLDER / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            differing.append(name)
            if "--check" not in arguments:
                file.write_text(text, encoding="utf-8")
    print("differing: " + ", ".join(differing) if differing else "all files are as the oracle computes them")
    return 1 if differing and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
