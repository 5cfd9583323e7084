"""A Python implementation in the same process: functions, or an object with methods.

Each operation is called with keyword arguments, those of the harness protocol:

    sign(secret, timestamp, method, path, params, body)   -> {"sign": …, "request_path": …, "body": …}
    ws_login(key, secret, passphrase, epoch_s)            -> {"apiKey": …, "passphrase": …, "timestamp": …, "sign": …}
    round_price(price, side, mode, tick | bands)          -> "…"  (or {"price": "…"})
    round_size(size, lot, min)                            -> "…" or None  (or {"size": …})
    parse_timestamp(ts)                                   -> "…" or None  (or {"iso": …})
    parse_response(status, headers, body)                 -> {"kind": …, "code": …, "items": […], "retryable": …}

`params` is None or a list of (name, value), a value being text, None, a boolean or a list of texts (an error is a fair
answer to lists); `body` is None or JSON as Python objects. An exception is an error answer.
An operation may be `async`; it is run to its end. `Unsupported` (or NotImplementedError) skips the input.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from okxdoctor.conformance.protocol import OPS, Answer, Output, Refused, Skipped

_BARE = {"round_price": "price", "round_size": "size", "parse_timestamp": "iso"}


class Unsupported(Exception):
    """Raised by an implementation for an input that it cannot run: skipped, with the reason."""


class NotFound(ValueError):
    """There is no such module, function or operation. The text says which."""


class Callables:
    """Functions under test, by operation."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]], name: str = "python") -> None:
        unknown = [op for op in functions if op not in OPS]
        if unknown:
            raise NotFound(f"{unknown[0]!r} is no operation: {', '.join(OPS)}")
        self._functions = dict(functions)
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def supports(self) -> tuple[str, ...]:
        return tuple(op for op in OPS if op in self._functions)

    def ask(self, op: str, given: Mapping[str, Any]) -> Answer:
        arguments = dict(given)
        if op == "sign":
            body = arguments.pop("body_json")
            arguments["body"] = None if body is None else json.loads(body)
            params = arguments["params"]
            arguments["params"] = None if params is None else [tuple(pair) for pair in params]
        try:
            value = self._functions[op](**arguments)
            if inspect.isawaitable(value):
                value = asyncio.run(_awaited(value))
        except (Unsupported, NotImplementedError) as reason:
            return Skipped(_line(reason))
        except (Exception, SystemExit) as error:
            return Refused(_line(error))
        bare = _BARE.get(op)
        return Output(value if bare is None or isinstance(value, Mapping) else {bare: value})

    def close(self) -> None:
        """Nothing runs."""


async def _awaited(value: Any) -> Any:
    return await value


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def load(reference: str, op: str) -> Callables:
    """The implementation behind ``module:name`` (dots lead further: ``pkg.mod:obj.method``).

    A function is the operation ``op``. An object, class or module with methods named after operations gives all that
    it has. The current directory is searched first, as `python -m` does.
    """
    module_name, colon, path = reference.partition(":")
    if not module_name:
        raise NotFound(f"{reference!r} has no module: write module:function")
    if "" not in sys.path:
        sys.path.insert(0, "")
    thing = _module(module_name)
    for part in path.split(".") if colon and path else ():
        if not hasattr(thing, part):
            raise NotFound(f"{module_name} has no {path}")
        thing = getattr(thing, part)
    methods = {one: getattr(thing, one) for one in OPS if callable(getattr(thing, one, None))}
    if methods:
        if inspect.isclass(thing):
            made = _made(thing, reference)
            methods = {one: getattr(made, one) for one in methods}
        return Callables(methods, reference)
    if callable(thing) and colon:
        return Callables({op: thing}, reference)
    raise NotFound(f"{reference} is neither a function nor an object with {', '.join(OPS)}")


def _module(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise NotFound(f"there is no module {error.name!r} to import") from None
        raise NotFound(f"{name} cannot be imported: {_line(error)}") from None
    except Exception as error:
        raise NotFound(f"{name} cannot be imported: {_line(error)}") from None


def _made(cls: type, reference: str) -> Any:
    try:
        return cls()
    except Exception as error:
        raise NotFound(f"{reference}() cannot be made: {_line(error)}") from None
