"""Registers buyers' prepayments against the invoice once it is posted.

A payment is get-or-create under the invoice's key, so it is registered once; one that is cancelled in Odoo stays
cancelled. An invoice that is already paid gets none. The money stays on Odoo's account for outstanding receipts of the
journal until the bank statement is reconciled.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from shipperone_erp import Invoice, IssueInvoice, Refused, Voided
from shipperone_erp_odoo import lookups, order_links
from shipperone_erp_odoo.batch_answers import Answers
from shipperone_erp_odoo.odoo import Draft, Odoo, Row, external_id, one
from shipperone_erp_odoo.tags import tagged
from shipperone_erp_odoo.warehouses import Company

PAYMENT = "PAY"
"""The kind of the external ids of payments."""


def register(odoo: Odoo, at: Company, posted: Mapping[int, IssueInvoice], answers: Answers[Invoice | Voided]) -> None:
    """Register the payments of these posted invoices, by id, whose payment method has a journal.

    An error is that invoice's answer: the invoice stays posted, and the next call tries the payment again.
    """
    rules = odoo.settings.payments
    paid = {
        id: rule.paid_into
        for id, request in posted.items()
        if (rule := rules.get(request.order.payment_method or "")) and rule.paid_into
    }
    if not paid:
        return
    due = _due(odoo, sorted(paid), at)
    drafts: dict[int, Draft] = {}
    for id, line in due.items():
        with answers.of(posted[id].key):
            drafts[id] = _draft(odoo, at, posted[id], paid[id], line)
    made = odoo.load("account.payment", list(drafts.values()), company=at.id) if drafts else {}
    payments: dict[int, int] = {}
    for id, draft in drafts.items():
        payment = made[draft.xid]
        if isinstance(payment, Refused):
            answers[posted[id].key] = payment
        else:
            payments[id] = payment
    ours = {drafts[id].xid: (payment, posted[id].order) for id, payment in payments.items()}
    order_links.show(odoo, "account.payment", ours, at.id)
    _post(odoo, list(payments.values()), at)
    lines = _received(odoo, list(payments.values()), at)
    for id, payment in payments.items():
        with answers.of(posted[id].key):
            for line_id in lines.get(payment, ()):
                odoo.call("account.move", "js_assign_outstanding_line", [id], company=at.id, line_id=line_id)


def _due(odoo: Odoo, ids: Sequence[int], at: Company) -> dict[int, Row]:
    """The open amount of each of these invoices; paid ones are missing."""
    domain = [("move_id", "in", ids), ("display_type", "=", "payment_term"), ("reconciled", "=", False)]
    fields = ["move_id", "account_id", "partner_id", "amount_residual_currency", "currency_id", "date"]
    rows = odoo.find("account.move.line", domain, fields, company=at.id, order="id")
    due: dict[int, Row] = {}
    for row in rows:
        first = due.setdefault(one(row["move_id"]) or 0, {**row, "amount": Decimal(0)})
        first["amount"] += Decimal(str(row["amount_residual_currency"]))
    return {id: row for id, row in due.items() if row["amount"] > 0}


def _draft(odoo: Odoo, at: Company, request: IssueInvoice, code: str, due: Row) -> Draft:
    journal, method = lookups.payment_journal(odoo, code, at)
    order = request.order
    head: dict[str, object] = {
        "payment_type": "inbound",
        "partner_type": "customer",
        "company_id/.id": at.id,
        "journal_id/.id": journal,
        "payment_method_line_id/.id": method,
        "partner_id/.id": one(due["partner_id"]),
        "destination_account_id/.id": one(due["account_id"]),
        "currency_id/.id": one(due["currency_id"]),
        "amount": due["amount"],
        "date": due["date"],
        **tagged(odoo, "payment"),
        "memo" if odoo.has("account.payment", "memo") else "ref": " / ".join(
            filter(None, (order.order_id, order.payment_reference))
        ),
    }
    return Draft(external_id(PAYMENT, request.key), head)


def _post(odoo: Odoo, ids: Sequence[int], at: Company) -> None:
    domain = [("id", "in", ids), ("state", "=", "draft")]
    rows = odoo.find("account.payment", domain, ["id"], company=at.id, order="id") if ids else []
    if rows:
        odoo.call("account.payment", "action_post", [int(row["id"]) for row in rows], company=at.id)


def _received(odoo: Odoo, ids: Sequence[int], at: Company) -> dict[int, list[int]]:
    """By payment, its lines that are not yet reconciled with an invoice."""
    domain = [
        ("payment_id", "in", ids), ("account_type", "=", "asset_receivable"), ("reconciled", "=", False),
        ("parent_state", "=", "posted"),
    ]  # fmt: skip
    rows = odoo.find("account.move.line", domain, ["payment_id"], company=at.id, order="id") if ids else []
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(one(row["payment_id"]) or 0, []).append(int(row["id"]))
    return found
