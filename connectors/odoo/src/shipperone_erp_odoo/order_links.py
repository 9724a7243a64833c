"""Posts to a document's chatter: the order's page in ShipperOne (`order_link`), and the tag (`tag`).

A message has an external id of its own, so it is created once. It is optional: a message that Odoo refuses is left out.
"""

from collections.abc import Mapping
from html import escape

from shipperone_erp import FulfillmentOrder, Refused
from shipperone_erp_odoo.odoo import MODULE, Draft, Odoo


def show(odoo: Odoo, model: str, made: Mapping[str, tuple[int, FulfillmentOrder | None]], company: int) -> None:
    """Post to each of these documents, by external id. Sales orders have real tags instead."""
    tag = odoo.settings.tag if model != "sale.order" else None
    drafts = []
    for xid, (id, order) in made.items():
        links = [text for text in (_link(odoo, order), escape(tag) if tag else None) if text]
        if not links:
            continue
        head = {
            "model": model,
            "res_id": id,
            "body": f"<p>ShipperOne: {', '.join(links)}</p>",
            "message_type": "comment",
            "subtype_id/id": "mail.mt_note",
            "is_internal": 1,
        }
        drafts.append(Draft(f"{MODULE}.LINK_{xid.partition('.')[2]}", head))
    if not drafts:
        return
    try:
        odoo.load("mail.message", drafts, company=company)
    except Refused:
        return


def _link(odoo: Odoo, order: FulfillmentOrder | None) -> str | None:
    pattern = odoo.settings.order_link
    if pattern is None or order is None:
        return None
    url = pattern.format(order_id=order.order_id, order_number=order.order_number or order.order_id)
    return f'<a href="{escape(url)}" target="_blank">{escape(order.order_number or order.order_id)}</a>'
