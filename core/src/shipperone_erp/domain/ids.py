"""Ids of the ledger's rows: ascending with time, and generated without a query of the database."""

import itertools
import secrets
import time
from datetime import datetime

_SEQUENCE = itertools.count(secrets.randbits(21))

_COUNTED = 21
"""The number of low bits that count; the higher bits are milliseconds."""


def new_id() -> int:
    """A 63-bit id that ascends with time, so that rows of one run lie together; generated here, not by the database.

    The low bits count up from a random start. Ids of one millisecond and process never collide. Those of different
    processes hardly ever do; then the second insert is refused.
    """
    return (time.time_ns() // 1_000_000 << _COUNTED) | (next(_SEQUENCE) & ((1 << _COUNTED) - 1))


def first_id_at(moment: datetime) -> int:
    """Rows made before that moment have lower ids, as far as the clocks of their machines were right."""
    return int(moment.timestamp() * 1000) << _COUNTED
