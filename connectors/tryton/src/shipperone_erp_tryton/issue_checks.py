"""Finds causes for which issuing would fail, while the invoice is a draft: after ShipperOne accepts it is too late."""

from __future__ import annotations

from typing import Any

from shipperone_erp import Owner, Reason, Refused
from shipperone_erp_tryton.erp import Books


def refuse_what_cannot_be_issued(books: Books, invoice: Any) -> None:
    """Refused, erp_period_locked: the dates contradict the number sequence, or the period is closed. Checks accounts
    too.

    Raises Tryton's own errors as well (no period, no sequence, no account).
    """
    sequence, _ = invoice._number_sequence()
    later = books.search(
        "account.invoice",
        [("sequence", "=", sequence.id), ("invoice_date", ">", invoice.invoice_date)],
        order=[("invoice_date", "DESC")],
        limit=1,
    )
    if later:
        raise Refused(
            Reason.ERP_PERIOD_LOCKED,
            f"an invoice of {invoice.invoice_date} cannot follow {later[0].number} of {later[0].invoice_date}: numbers "
            f"of {sequence.rec_name} follow the dates",
            Owner.ACCOUNTANT,
        )
    invoice.get_move()  # not saved: Tryton raises an error if the move's lines, accounts or period are missing
