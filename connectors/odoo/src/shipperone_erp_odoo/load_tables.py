"""Records in the form of Odoo's `load`: columns and rows of text; and its messages about refused records. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from shipperone_erp_odoo.faults import tidy

EMPTY: Literal[""] = ""
"""An explicitly empty cell of a draft: Odoo stores no value there, instead of its own default."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to be created under an external id: columns in the form of `load`, and those of each of its lines."""

    xid: str
    head: Mapping[str, object]
    lines: Sequence[Mapping[str, object]] = field(default=())


def said_by(messages: Iterable[Row]) -> str:
    """The text of all these messages of `load`."""
    return tidy(" ".join(str(message.get("message", "")) for message in messages))


def named_bad(messages: Iterable[Row], count: int) -> dict[int, str]:
    """The records that these messages of `load` name, with the reasons.

    Odoo repeats the message of any bad record for the first one: a first record with another record's message is not
    bad because of it.
    """
    bad = {
        int(message["record"]): tidy(str(message.get("message", "")))
        for message in reversed(list(messages))
        if isinstance(message.get("record"), int) and message["record"] < count
    }
    if len(bad) > 1 and any(words == bad.get(0) for index, words in bad.items() if index):
        del bad[0]
    return bad


def alike(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """Drafts grouped by their filled columns: an empty cell is a value too, and would override Odoo's own default."""
    groups: dict[object, list[Draft]] = {}
    for draft in drafts:
        lines = {name for line in draft.lines for name, value in line.items() if value is not None}
        filled = (frozenset(name for name, value in draft.head.items() if value is not None), frozenset(lines))
        groups.setdefault(filled, []).append(draft)
    return list(groups.values())


def table(drafts: Iterable[Draft]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of text; further lines of a draft follow it, with the head's cells empty."""
    heads, lines = dict[str, None](), dict[str, None]()
    for draft in drafts:
        heads |= dict.fromkeys(name for name, value in draft.head.items() if value is not None)
        for line in draft.lines:
            lines |= dict.fromkeys(name for name, value in line.items() if value is not None)
    rows = []
    for draft in drafts:
        for number, line in enumerate(draft.lines or [{}]):
            head = (
                [draft.xid, *(cell(draft.head.get(name)) for name in heads)] if number == 0 else [""] * (len(heads) + 1)
            )
            rows.append([*head, *(cell(line.get(name)) for name in lines)])
    return ["id", *heads, *lines], rows


def cell(value: object) -> str:
    """A number without an exponent; an empty text for None."""
    if value is None or value is False:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
