"""The order's page in ShipperOne, in the chatter of each document that is made for it (`order_link`).

A message is made under an external id of its own, so it is there once. A courtesy: what Odoo does not take is left out.
"""

from collections.abc import Mapping
from html import escape

from shipperone_erp import FulfillmentOrder, Refused
from shipperone_erp_odoo.odoo import MODULE, Draft, Odoo


def show(odoo: Odoo, model: str, made: Mapping[str, tuple[int, FulfillmentOrder]], company: int) -> None:
    """On each of these documents, by external id."""
    pattern = odoo.settings.order_link
    if pattern is None or not made:
        return
    drafts = []
    for xid, (id, order) in made.items():
        url = pattern.format(order_id=order.order_id, order_number=order.order_number or order.order_id)
        link = f'<a href="{escape(url)}" target="_blank">{escape(order.order_number or order.order_id)}</a>'
        head = {
            "model": model,
            "res_id": id,
            "body": f"<p>ShipperOne: {link}</p>",
            "message_type": "comment",
            "subtype_id/id": "mail.mt_note",
            "is_internal": 1,
        }
        drafts.append(Draft(f"{MODULE}.LINK_{xid.partition('.')[2]}", head))
    try:
        odoo.load("mail.message", drafts, company=company)
    except Refused:
        return
