"""Finds drafts that another user has changed in ways that amounts do not show: the buyer, a product, a tax."""

from __future__ import annotations

from typing import Any

from shipperone_erp import FulfillmentOrder, Owner, Reason, Refused
from shipperone_erp_tryton.buyers import buyer
from shipperone_erp_tryton.erp import Books
from shipperone_erp_tryton.invoicing import planned_lines


def refuse_changed(books: Books, invoice: Any, order: FulfillmentOrder) -> None:
    """Refused, total_differs, if another user has given the draft another buyer, product or tax than the order has.

    Without another user's write nothing is compared: a product may have got another code since, and the draft is right.
    """
    if not _written_by_others(invoice):
        return
    changed = "its party" if invoice.party != buyer(books, order) else _changed_line(books, invoice, order)
    if changed is not None:
        raise Refused(
            Reason.TOTAL_DIFFERS,
            f"{invoice.rec_name} (account.invoice,{invoice.id}) was changed in Tryton by another user: {changed}. If "
            "that is intended, post it in Tryton; else revert it, or cancel the draft",
            Owner.ACCOUNTANT,
        )


def _written_by_others(invoice: Any) -> bool:
    from trytond.transaction import Transaction

    own = {0, Transaction().user}
    written = (record.write_uid or record.create_uid for record in (invoice, *invoice.lines))
    return any(user is not None and user.id not in own for user in written)


def _changed_line(books: Books, invoice: Any, order: FulfillmentOrder) -> str | None:
    try:
        planned = {line.mark: (line.product, (line.tax,)) for line in planned_lines(books, order, invoice.currency)}
    except Refused:
        return None  # what the order lists is not in Tryton under its code any more: there is nothing to compare with
    for line in invoice.lines:
        if line.shipperone_item in planned and (line.product, tuple(line.taxes)) != planned[line.shipperone_item]:
            return f"product or tax of line {line.rec_name}"
    return None
