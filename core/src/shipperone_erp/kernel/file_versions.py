"""Tells whether files have changed since they were last read, without reading them."""

from collections.abc import Iterable
from pathlib import Path

FileVersion = tuple[int, int, int]
"""Time of the last change in ns, size in bytes, inode: an editor that replaces a file changes the last."""


def file_version(file: Path) -> FileVersion | None:
    """None if there is no such file, or it may not be looked at."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def file_versions(files: Iterable[Path]) -> dict[Path, FileVersion | None]:
    """The version of each file."""
    return {file: file_version(file) for file in files}
