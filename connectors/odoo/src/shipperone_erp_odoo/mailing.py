"""The invoice mailed to its buyer by Odoo itself (`mail_invoice`): with Odoo's own template, once, after posting.

Odoo records on the invoice that it was sent, in the same transaction as the message. An invoice with that record is not
sent again, regardless of the sender.
"""

from collections.abc import Mapping

from shipperone_erp import Invoice, IssueInvoice, Voided
from shipperone_erp_odoo.batch_answers import Answers
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.warehouses import Company

WIZARD_OF_ONE_SINCE = 18
"""Earlier versions have one wizard for any number of invoices; since this one it takes a single invoice."""


def send(odoo: Odoo, at: Company, posted: Mapping[int, IssueInvoice], answers: Answers[Invoice | Voided]) -> None:
    """Send the posted invoices, by id, that were not sent yet and whose contact has an address.

    An error of Odoo is that invoice's answer; the invoice stays posted, and the next call tries again.
    """
    domain = [
        ("id", "in", sorted(posted)), ("state", "=", "posted"), ("is_move_sent", "=", False),
        ("partner_id.email", "!=", False),
    ]  # fmt: skip
    rows = odoo.find("account.move", domain, ["id"], company=at.id, order="id") if posted else []
    for row in rows:
        id = int(row["id"])
        if not isinstance(answers.found.get(posted[id].key), Invoice):
            continue
        with answers.of(posted[id].key):
            _send(odoo, id, at)


def _send(odoo: Odoo, id: int, at: Company) -> None:
    context = {"active_model": "account.move", "active_ids": [id]}
    if odoo.version >= WIZARD_OF_ONE_SINCE:
        model = "account.move.send.wizard"
        values = {"move_id": id, "sending_method_checkboxes": {"email": {"checked": True}}}
    else:
        model = "account.move.send"
        values = {"move_ids": [[6, 0, [id]]], "checkbox_send_mail": True, "checkbox_download": False}
    (wizard,) = odoo.call(model, "create", company=at.id, context=context, vals_list=[values])
    odoo.call(model, "action_send_and_print", [wizard], company=at.id, context=context)
