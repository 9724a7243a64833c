"""The answers and refusals of a hook, built from the results of its queries."""

from dataclasses import fields

from shipperone_erp import (
    ConnectorError,
    Invoice,
    InvoiceLine,
    Owner,
    Pending,
    Reason,
    Refused,
    Reserved,
    Voided,
)
from shipperone_erp.tools import label
from shipperone_erp_generic_sql.hook_call import Call
from shipperone_erp_generic_sql.query_results import FoundReservation
from shipperone_erp_generic_sql.step_execution import Short


def no_such_goods(short: Short) -> str:
    """The sentence for an order with goods that are missing from the ERP. It also names the lines that are short."""
    goods = " and ".join(f"SKU {label(line.item.sku)} in {label(line.warehouse_code)}" for line in short.unknown)
    more = "".join(f"; {label(line.sku)}: {line.wanted:f} wanted, {line.available:f} available" for line in short.lines)
    return f"the ERP has no such product, or never had it there: {goods}{more}"


def reserved(found: FoundReservation) -> Reserved | Pending | Voided:
    """The answer for a reservation in its state. `Refused` if the ERP's side reports an error."""
    match found.state:
        case "voided":
            return Voided(found.reference)
        case "releasing":
            # the next generation must not be reserved before the goods of this one are released
            return Pending(found.sentence or f"reservation {found.reference} is being released")
        case "error":
            raise found.refusal("the reservation")
        case "release_error":
            raise found.refusal("the release")
        case "pending":
            return Pending(found.sentence or f"reservation {found.reference} is pending", None, Reason.ERP_PENDING)
        case "waiting_for_transfer":
            sentence = found.sentence or f"reservation {found.reference} is waiting for a transfer"
            return Pending(sentence, None, Reason.WAITING_FOR_TRANSFER, Owner.WAREHOUSE)
        case _:
            return Reserved(found.reference, found.url)


def computed(call: Call) -> Invoice:
    """The invoice as it would be issued, for an ERP that keeps no drafts."""
    lines = tuple(
        InvoiceLine(line.item.item_id, line.item.qty, line.total_incl_tax, line.item.tax_percent) for line in call.lines
    )
    return Invoice(
        reference=None,
        lines=lines,
        shipping_amount_incl_tax=call.order.shipping_amount_incl_tax,
        total_incl_tax=call.of_document("document_incl_tax"),
        currency=call.order.currency,
    )


def refuse_changed(draft: Invoice, accepted: Invoice, *, known_only: bool = False) -> None:
    """`Refused`, total_differs, if the draft was changed after ShipperOne accepted it.

    `known_only`: values that the draft did not have may have come with its issue.
    """
    for name in ("lines", "shipping_amount_incl_tax", "total_incl_tax", "currency"):
        now, before = getattr(draft, name), getattr(accepted, name)
        if now != before and not (known_only and _only_more(now, before)):
            raise Refused(
                Reason.TOTAL_DIFFERS,
                f"draft {draft.reference} is no longer what ShipperOne accepted: {name} has changed",
                Owner.ACCOUNTANT,
            )


def _only_more(now: object, before: object) -> bool:
    """Nothing that was known before is different now."""
    if not (isinstance(now, tuple) and isinstance(before, tuple)):
        return before is None
    if len(now) != len(before):
        return False
    return all(
        getattr(line, field.name) == getattr(was, field.name) or getattr(was, field.name) is None
        for line, was in zip(now, before, strict=True)
        for field in fields(was)
    )


def not_undone(step: str, query: str) -> ConnectorError:
    """The error for a step after which its query still finds the key in a live state."""
    return Refused(
        Reason.CONFIG_INCOMPLETE,
        f"the statements of {step} ran, but {query} still finds their key as live; everything was undone",
    )


def not_found(step: str, query: str) -> ConnectorError:
    """The error for a step after which its query does not find the key."""
    return Refused(
        Reason.CONFIG_INCOMPLETE,
        f"the statements of {step} ran, but {query} does not find their key; everything was undone",
    )
