"""Ids of the ledger's rows: they grow with time, and are made without asking the database."""

import itertools
import secrets
import time
from datetime import datetime

_SEQUENCE = itertools.count(secrets.randbits(21))

_COUNTED = 21
"""Low bits of an id; what stands above them are milliseconds."""


def new_id() -> int:
    """A 63-bit id that grows with time, so that rows of one run lie together; made here, not by the database.

    Its low bits are counted up from a random start: two of one millisecond and process never meet, two of different
    processes hardly ever, and if they do the second insert is refused.
    """
    return (time.time_ns() // 1_000_000 << _COUNTED) | (next(_SEQUENCE) & ((1 << _COUNTED) - 1))


def first_id_at(moment: datetime) -> int:
    """The ids of rows made before that moment are below it, as far as their machine's clock was right."""
    return int(moment.timestamp() * 1000) << _COUNTED
