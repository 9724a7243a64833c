"""The disk under a ledger in a file: a service cannot record there that it is full, so a reader looks itself."""

import shutil
from pathlib import Path

FULL = 16 << 20
"""Bytes: with less, SQLite's log may find no room for the next transactions."""


def ledger_file(url: str) -> Path | None:
    """The file of a ledger at this URL; None on a server."""
    prefix = "sqlite:///"
    return Path(url.removeprefix(prefix)) if url.startswith(prefix) else None


def free_space(file: Path) -> int | None:
    """Bytes that are free where the file lies; None where that cannot be found out."""
    try:
        return shutil.disk_usage(file.parent).free
    except OSError:
        return None


def full_disk(url: str) -> str | None:
    """A sentence if there is no room for what the service would record; None if there is, or nothing is known."""
    file = ledger_file(url)
    free = free_space(file) if file is not None else None
    if file is None or free is None or free >= FULL:
        return None
    room = f"only {free >> 20} MiB are left" if free >= 1 << 20 else "no space is left"
    return (
        f"{room} on the disk of the ledger, {file.parent}: what cannot be recorded is not begun, so orders wait. Make "
        "room; the service resumes by itself"
    )
