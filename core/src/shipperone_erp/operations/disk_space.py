"""The disk of a ledger in a file. A service cannot record on a full disk, so a reader of the ledger checks it."""

import shutil
from pathlib import Path

FULL = 16 << 20
"""Bytes. With less free space SQLite's log may fail at the next transactions."""


def ledger_file(url: str) -> Path | None:
    """The file of the ledger at this URL; None for a server."""
    prefix = "sqlite:///"
    return Path(url.removeprefix(prefix)) if url.startswith(prefix) else None


def free_space(file: Path) -> int | None:
    """The free bytes on the file's disk; None if they cannot be determined."""
    try:
        return shutil.disk_usage(file.parent).free
    except OSError:
        return None


def full_disk(url: str) -> str | None:
    """A sentence if the service lacks the space to record anything; None if there is enough, or if it is unknown."""
    file = ledger_file(url)
    free = free_space(file) if file is not None else None
    if file is None or free is None or free >= FULL:
        return None
    room = f"only {free >> 20} MiB left" if free >= 1 << 20 else "no space left"
    return (
        f"{room} on the disk of the ledger, {file.parent}: work that cannot be recorded is not started, so orders "
        "wait. Free disk space; the service resumes automatically"
    )
