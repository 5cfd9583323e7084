"""Where reports go: stdout, or files that appear whole or not at all.

Files are opened for writing before the run, so that an unwritable place is told at once and not after it.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from okxdoctor.settings.problem import UsageProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file that waits for its content. ``draft`` lies beside it; None where it is no ordinary file."""

    path: Path
    draft: Path | None

    def write(self, text: str) -> None:
        """Write the whole text, then give it its name."""
        data = text.encode("utf-8", "backslashreplace")
        if self.draft is None:
            with open(self.path, "wb") as device:
                device.write(data)
            return
        with open(self.draft, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.draft, self.path)

    def leave(self) -> None:
        """Take the draft away where nothing was written."""
        if self.draft is not None:
            with suppress(OSError):
                self.draft.unlink()


def reserve(path: str, flag: str) -> Place:
    """A place for a file, proven writable. Raises :class:`UsageProblem`."""
    import tempfile

    try:
        target = Path(path).expanduser()
        if target.is_dir():
            raise UsageProblem(f"{flag}: {path} is a directory")
        known = target.stat() if target.exists() else None
        if known is not None and not stat.S_ISREG(known.st_mode):
            return Place(path=target, draft=None)
        if target.is_symlink():
            target = target.resolve()
        if known is not None and not os.access(target, os.W_OK):
            raise PermissionError(13, "it is not writable")
        handle, draft = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
        os.close(handle)
        os.chmod(draft, stat.S_IMODE(known.st_mode) if known else 0o666 & ~_umask())
    except OSError as error:
        raise UsageProblem(f"{flag}: {path} cannot be written: {error.strerror or error}") from None
    except (RuntimeError, ValueError) as error:  # no home for ~; a zero byte
        raise UsageProblem(f"{flag}: {path!r} names no file: {error}") from None
    return Place(path=target, draft=Path(draft))


def keep_apart(written: list[tuple[str, str]], read: list[tuple[str, str]]) -> None:
    """Refuse two outputs to one file, and an output over something that the run reads. (name, path) each.

    Raises :class:`UsageProblem`.
    """
    taken: dict[str, str] = {}
    for name, path in read:
        if path:
            taken.setdefault(_place(path), name)
    for name, path in written:
        place = _place(path)
        if os.path.exists(place) and not os.path.isfile(place):
            continue  # a device or a pipe takes more than one
        other = taken.get(place)
        if other is not None:
            raise UsageProblem(f"{name}: {path} is the same file as that of {other}")
        taken[place] = name


def _place(path: str) -> str:
    try:
        return os.path.realpath(os.path.expanduser(path))
    except (OSError, ValueError):
        return path


def _umask() -> int:
    """The mask in force; reading it needs setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write_stdout(text: str, *, markup: bool = False) -> None:
    """All of the text on stdout, characters it cannot show as escapes, in ``markup`` as references (``&#8230;``).

    A reader that went away (`| head`) is no error: the exit code still tells the verdict. A disk that is full is one:
    raises :class:`UsageProblem`.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        text = text.encode("ascii", "xmlcharrefreplace" if markup else "backslashreplace").decode("ascii")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        drop_stdout()
    except OSError as error:
        drop_stdout()
        raise UsageProblem(f"standard output cannot be written: {error.strerror or error}") from None


def write_stderr(text: str) -> None:
    """The text on stderr, as far as there is one that takes it: what is said beside a report must not cost the
    report."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()


def drop_stdout() -> None:
    """Let what is still in stdout's buffer go nowhere, so that the interpreter does not complain at its end."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
