"""Files that hold personal data or secrets: only their owner reads and writes them, whatever the umask (POSIX).

On Windows a file gets the rights of its folder, and nothing here changes them.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

MODE = 0o600
OTHERS = stat.S_IRWXG | stat.S_IRWXO


@contextmanager
def written(file: Path, *, encoding: str = "utf-8", newline: str | None = None, new: bool = False) -> Iterator[TextIO]:
    """Open the file for writing; an existing one is emptied and becomes private, or with `new` is refused.

    Raises the exceptions of `open`: FileExistsError is the refusal.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if new else os.O_TRUNC)
    descriptor = os.open(file, flags, MODE)
    with open(descriptor, "w", encoding=encoding, newline=newline) as opened:
        if os.name == "posix" and stat.S_ISREG(os.fstat(descriptor).st_mode):
            with suppress(PermissionError):  # a file of another user's, which this one may write
                os.fchmod(descriptor, MODE)
        yield opened


def create(file: Path) -> None:
    """Create an empty private file, for a program that opens it by its name; an existing one is unchanged."""
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE))


def readable_by_others(file: Path) -> bool:
    """Other users may read or write it; False where there is no such file, and on Windows."""
    try:
        return os.name == "posix" and bool(file.stat().st_mode & OTHERS)
    except OSError:
        return False


def tighten(file: Path) -> bool:
    """Make a file of this user's private; True if it was not. A directory, which needs other rights, is unchanged."""
    if not readable_by_others(file) or file.is_dir():
        return False
    try:
        file.chmod(MODE)
    except OSError:  # another user's
        return False
    return True
