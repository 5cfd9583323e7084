"""Files: written whole (a reader sees the old content or the new, never half of it), and read within a bound."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path


def named(text: str) -> Path:
    """The file that a user names: ``~`` is the home directory. Of a user whom the system does not know it stays as it
    was typed, and is then not found."""
    return Path(os.path.expanduser(text))


def home() -> Path:
    """The home directory; where the system knows none, one that is not there."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


def write_whole(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write beside, then move into place. Raises OSError and leaves nothing behind when it fails.

    What is no ordinary file (``/dev/null``, a pipe) is written to as it is, never replaced. A symbolic link stays,
    the file that it names is replaced. Lone surrogates, which no file can hold, become escapes.
    """
    data = text.encode("utf-8", "backslashreplace")
    if _is_special(path):
        with open(path, "wb") as device:
            device.write(data)
        return
    target = path.resolve() if path.is_symlink() else path
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        partial.chmod(mode)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def read_bounded(path: Path, limit: int) -> bytes:
    """The content of a file of at most ``limit`` bytes. Raises OSError, also for what is larger: a device that
    never ends, or a file that was meant for something else, must not fill the memory."""
    try:
        with open(path, "rb") as file:
            content = file.read(limit + 1)
    except ValueError as error:  # a zero byte in the name
        raise OSError(errno.EINVAL, str(error)) from None
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit // 1000} kB")
    return content


def _is_special(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
