"""Denials of ShipperOne that its own queue disproves. Above a threshold they are reported for the tenant."""

from datetime import timedelta

DISPROVED_AT_LEAST = 3
"""The number of disproved denials from which they are reported: a single one may be an accident."""

DISPROVED_WITHIN = timedelta(days=7)
"""The period that `status` and `doctor` count."""


def disproved_sentence(count: int, words: str) -> str | None:
    """The sentence for `status`, `doctor` and the log; None while there are too few."""
    if count < DISPROVED_AT_LEAST:
        return None
    return (
        f"ShipperOne denied {count} confirmations that its own queue shows as accepted (last: {words}). Each of "
        "these orders waits for two reads of the queue before it proceeds. Have ShipperOne correct its responses"
    )
