"""Whose fault an import is: a file of the user's hides a module of Python's, or a package that is needed is not whole.

A file named ``json.py`` or ``ssl.py`` beside a program, or on ``PYTHONPATH``, is loaded by every library in place of
Python's own. Whatever fails then is no defect of okxdoctor. Imports nothing that could itself be hidden.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

_OWN = ("okxdoctor", "okxdoctor_checks")


def to_blame(error: BaseException) -> str:
    """Which file or package is behind the error, as the end of a sentence; "" where none is known to be."""
    return _hidden(error) or _lacking(error)


def _hidden(error: BaseException) -> str:
    """``/home/me/json.py hides Python's own module json``: where that file is loaded, or is what failed."""
    failed = set(_files(error))
    for name, path in _on_the_way():
        loaded = str(getattr(sys.modules.get(name), "__file__", None) or "")
        if os.path.realpath(path) in {os.path.realpath(loaded), *failed}:
            return f"{path} hides Python's own module {name}: rename it, or take its folder out of PYTHONPATH"
    return ""


def _on_the_way() -> Iterator[tuple[str, str]]:
    """Files that Python finds before its own library, under the name of one of its modules."""
    library = os.path.realpath(os.path.dirname(os.__file__))
    for folder in sys.path:
        if os.path.realpath(folder) == library:
            return
        try:
            entries = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        for entry in entries:
            name, dot, kind = entry.partition(".")
            path = os.path.join(folder, entry)
            if name not in sys.stdlib_module_names or name in sys.builtin_module_names:
                continue
            if dot and kind == "py":
                yield name, path
            elif not dot and os.path.isfile(init := os.path.join(path, "__init__.py")):
                yield name, init


def _lacking(error: BaseException) -> str:
    """``the package websockets (/x/websockets/__init__.py) has no websockets.client``, or that it is not installed."""
    for cause in _chain(error):
        name = cause.name if isinstance(cause, ImportError) else None
        if isinstance(cause, AttributeError) and isinstance(cause.obj, type(sys)):
            name = cause.obj.__name__
        package = (name or "").partition(".")[0]
        if not package or package in _OWN or package in sys.stdlib_module_names:
            continue
        place = getattr(sys.modules.get(package), "__file__", None)
        if place is None:
            return f"the package {package} is not installed"
        lacks = str(cause).partition(" (")[0]
        return f"the package {package} ({place}) is another or not whole: {lacks}"
    return ""


def _files(error: BaseException) -> Iterator[str]:
    """The source files that the error came through, and those of the errors behind it."""
    for cause in _chain(error):
        trace = cause.__traceback__
        while trace is not None:
            yield os.path.realpath(trace.tb_frame.f_code.co_filename)
            trace = trace.tb_next


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
