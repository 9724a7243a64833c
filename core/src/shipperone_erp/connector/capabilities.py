"""The capabilities of an ERP beyond the minimum of every connector, as its connector declares them.

Core uses no undeclared capability: a tenant's setting that needs it is refused when the configuration is read
(`config.conflicts`), an order that needs it is held before the hook is called. The conformance kit selects its cases
by the same declaration.
"""

import difflib
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from shipperone_erp.domain.hook_answers import Refused
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason


class Capability(StrEnum):
    """A capability of an ERP. A connector lists those that it has proved; without a list it declares all of them."""

    DRAFTS = "drafts"
    TRANSFERS = "transfers"
    MARKS = "marks"
    FRACTIONS = "fractions"
    UNITS = "units"
    LOTS = "lots"
    CURRENCIES = "currencies"
    NEGATIVE_LINES = "negative_lines"
    BACKDATING = "backdating"
    BATCH = "batch"


MEANS: Mapping[Capability, str] = {
    Capability.DRAFTS: "`build_invoice` makes a document that an operator can see and change before it is issued",
    Capability.TRANSFERS: "goods in another warehouse are reserved there, and brought to the order's",
    Capability.MARKS: "a key that was released or discarded before anything was made is spent: a late call answers "
    "`Voided`",
    Capability.FRACTIONS: "quantities such as 1.5 are kept exactly",
    Capability.UNITS: "a product may forbid fractions, or is kept in packages of several pieces",
    Capability.LOTS: "a product may need a lot or a serial number when it is delivered",
    Capability.CURRENCIES: "invoices in more than one currency",
    Capability.NEGATIVE_LINES: "an invoice may have a line below zero",
    Capability.BACKDATING: "an invoice may state a day of supply before the day on which it is issued",
    Capability.BATCH: "the batch forms are worth calling",
}

WITHOUT: Mapping[Capability, str] = {
    Capability.TRANSFERS: '`transfer = "reserved"` is refused; an order with goods in another warehouse is held '
    "`warehouse_unknown`",
    Capability.FRACTIONS: "an order with such a quantity is held `unit_unclear`",
    Capability.CURRENCIES: "`currencies` with another one than `currency` is refused",
    Capability.NEGATIVE_LINES: 'a charge with `sign = "-"` and `kind = "line"` is refused',
    Capability.BACKDATING: '`tax_date` other than `"issued"` is refused',
}
"""Core's behaviour for a connector that does not declare the capability."""

NOUNS: Mapping[Capability, str] = {
    Capability.MARKS: "marks for unknown keys",
    Capability.CURRENCIES: "second currency",
    Capability.NEGATIVE_LINES: "negative lines",
}

ALL = frozenset(Capability)


def noun(capability: Capability) -> str:
    """The noun after "declares no"."""
    return NOUNS.get(capability, str(capability))


def absent(declared: Collection[Capability]) -> str:
    """The undeclared capabilities, after "declares no"; empty if all are declared."""
    return ", ".join(noun(one) for one in Capability if one not in declared)


def read(listed: Any) -> frozenset[Capability]:
    """The capabilities that a class declares; ValueError describes an invalid declaration."""
    if isinstance(listed, str) or not isinstance(listed, Collection):
        raise ValueError("it is a set, such as frozenset({Capability.DRAFTS})")
    for one in listed:
        if one not in ALL:
            near = difflib.get_close_matches(str(one), list(Capability), 1)
            hint = f"did you mean {near[0]}?" if near else f"they are {', '.join(Capability)}"
            raise ValueError(f"there is no capability {str(one)!r}; {hint}")
    return frozenset(Capability(one) for one in listed)


def refusal(declared: Collection[Capability], connector: str, order: FulfillmentOrder) -> Refused | None:
    """The refusal of this order for a connector that declares only these; None if it is allowed."""
    for item in order.items:
        what = f"item {item.item_id} ({item.sku})"
        if Capability.FRACTIONS not in declared and item.qty != int(item.qty):
            sentence = f"{what} is of {plain(item.qty)} pieces, and connector {connector} declares no fractions"
            return Refused(Reason.UNIT_UNCLEAR, sentence, Owner.IT)
        if Capability.TRANSFERS not in declared and order.source_warehouse(item) != order.warehouse_code:
            sentence = (
                f"{what} is in warehouse {item.warehouse_code}, and the order ships from {order.warehouse_code}; "
                f"connector {connector} declares no transfers"
            )
            return Refused(Reason.WAREHOUSE_UNKNOWN, sentence, Owner.IT)
    return None
