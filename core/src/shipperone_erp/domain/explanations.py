"""The pages of `explain`: each reason, what happens meanwhile, and its cure."""

import difflib
from collections.abc import Mapping

from shipperone_erp.domain.reason_pages import goods, invoices, process
from shipperone_erp.domain.reasons import Explanation, Owner, Reason
from shipperone_erp.kernel.errors import UsageError

EXPLANATIONS: Mapping[Reason, Explanation] = {**goods.PAGES, **invoices.PAGES, **process.PAGES}


def find(name: str) -> Reason:
    """The reason of that name; UsageError with the nearest one."""
    try:
        return Reason(name)
    except ValueError:
        near = difflib.get_close_matches(name, list(Reason), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"there is no reason {name}; {hint}`shipperone-erp explain` lists them") from None


def explain(name: str) -> str:
    """The page of a reason, for operators."""
    reason = find(name)
    entry = EXPLANATIONS[reason]
    return (
        f"{reason}\n\n{entry.means}\n\nOwner:      {whose_move(entry)}\nMeanwhile:  {entry.meanwhile}\n"
        f"Cure:       {entry.cure}"
    )


def whose_move(entry: Explanation) -> str:
    """'ShipperOne, or IT: `order show ID` names it'"""
    if not entry.other_owners:
        return named(entry.owner)
    return f"{named(entry.owner)}, or {' or '.join(map(named, entry.other_owners))}: `order show ID` names it"


def named(owner: Owner) -> str:
    """The owner as a word of a sentence; `it` and `shipperone` are codes."""
    return {Owner.IT: "IT", Owner.SHIPPERONE: "ShipperOne"}.get(owner, owner.value)


def as_json(name: str) -> dict[str, str | list[str]]:
    """The page of a reason, for scripts."""
    reason = find(name)
    entry = EXPLANATIONS[reason]
    return {
        "reason": reason.value,
        "owner": entry.owner.value,
        "other_owners": [owner.value for owner in entry.other_owners],
        "means": entry.means,
        "meanwhile": entry.meanwhile,
        "cure": entry.cure,
    }
