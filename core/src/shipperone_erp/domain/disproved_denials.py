"""Denials of ShipperOne that its own queue disproves: from how many on they are a finding of the tenant."""

from datetime import timedelta

DISPROVED_AT_LEAST = 3
"""So many denials must be disproved before it is a finding of the tenant: one may be a slip."""

DISPROVED_WITHIN = timedelta(days=7)
"""How far back `status` and `doctor` count."""


def disproved_sentence(count: int, words: str) -> str | None:
    """The finding, for `status`, `doctor` and the log; None while there are too few."""
    if count < DISPROVED_AT_LEAST:
        return None
    return (
        f"ShipperOne denied {count} confirmations that its own queue shows as taken (last: {words}). Each of these "
        "orders waits for two reads of the queue before it proceeds. Have ShipperOne correct its answers"
    )
