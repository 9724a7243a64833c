"""The pages of `explain` and docs/reference/reasons.md: each reason, what happens meanwhile, and what cures it."""

import difflib
from collections.abc import Mapping

from shipperone_erp.domain.reason_pages import goods, invoices, process
from shipperone_erp.domain.reasons import Explanation, Reason
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
    said = EXPLANATIONS[reason]
    return (
        f"{reason}\n\n{said.means}\n\nWhose move: {whose_move(said)}\nMeanwhile:  {said.meanwhile}\n"
        f"Cure:       {said.cure}"
    )


def whose_move(said: Explanation) -> str:
    """'shipperone, or it: `order show ID` names it'"""
    if not said.other_owners:
        return said.owner.value
    return f"{said.owner}, or {' or '.join(said.other_owners)}: `order show ID` names it"


def as_json(name: str) -> dict[str, str | list[str]]:
    """The page of a reason, for scripts."""
    reason = find(name)
    said = EXPLANATIONS[reason]
    return {
        "reason": reason.value,
        "owner": said.owner.value,
        "other_owners": [owner.value for owner in said.other_owners],
        "means": said.means,
        "meanwhile": said.meanwhile,
        "cure": said.cure,
    }


def page() -> str:
    """docs/reference/reasons.md."""
    parts = ["# Reasons", "", "Why an order waits or is held, and what cures it: what `shipperone-erp explain` shows."]
    for reason, said in EXPLANATIONS.items():
        parts += [
            "",
            f"## `{reason}`",
            "",
            said.means,
            "",
            f"Whose move: {whose_move(said)}.",
            "",
            said.meanwhile,
            "",
            said.cure,
        ]
    return "\n".join(parts) + "\n"
