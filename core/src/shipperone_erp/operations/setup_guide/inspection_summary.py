"""Summaries of the listed orders for the questions of `init`."""

from collections import Counter

from shipperone_erp.operations.inspect.results import Inspection, Queues


def listed_counts(queues: Queues) -> str:
    """The number of orders in each queue."""
    counts = ", ".join(f"{len(rows)} order(s) in pending_{stage}" for stage, rows in queues.orders.items())
    return f"{counts}; nothing was changed"


def inspection_summary(found: Inspection) -> str:
    """The result of `inspect` in a few lines."""
    total = sum(found.orders.values())
    if not total:
        return (
            "no order is listed, so the places of ShipperOne's fields could not be checked; when orders are listed, "
            f"run: shipperone-erp inspect {found.tenant}"
        )
    lines = [
        f"{found.explained} of {found.totals} orders that list a total come to it",
        f"with these settings {found.then} of {total} would be held, without them {found.now}",
    ]
    reasons = Counter({held.reason: held.orders for held in found.held_then})
    lines += [f"  {count} {reason}" for reason, count in reasons.most_common()]
    lines += [f"only you can answer: {question}" for question in found.questions]
    return "\n".join(lines)
