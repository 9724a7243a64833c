"""The tag of the connector's documents (`tag`), in fields that the merchant has added (`tag_fields`).

In Odoo 17, 18 and 19 only sales orders have tags: deliveries, invoices and payments have none (a delivery has
properties, which each operation type defines for itself; an invoice does not even have these). These documents are
tagged in their chatter, which Odoo can search, and in a field of the merchant's own, if there is one.
"""

from collections.abc import Iterator

from shipperone_erp import Check, Refused
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.settings import Tagged

MODELS: dict[Tagged, str] = {
    "delivery": "stock.picking",
    "invoice": "account.move",
    "credit_note": "account.move",
    "payment": "account.payment",
    "sale_order": "sale.order",
}

BY_NAME = ("char", "text", "many2one", "many2many", "selection")
"""Types of fields that `load` fills from a text: the text itself, or the record of that name."""


def tagged(odoo: Odoo, kind: Tagged) -> dict[str, object]:
    """The column with the tag for a document of that kind; empty if the settings name none."""
    field = odoo.settings.tag_fields.get(kind)
    return {field: odoo.settings.tag} if field else {}


def tag_fields(odoo: Odoo) -> Iterator[Check]:
    """Checks that each field in the settings exists, and accepts a text."""
    for kind, field in odoo.settings.tag_fields.items():
        cure = (
            f"create it in Odoo (Settings, Technical, Fields, in developer mode), or leave out {kind} in `tag_fields`"
        )
        try:
            answer = odoo.call(MODELS[kind], "fields_get", allfields=[field], attributes=["type"])
        except Refused as refusal:
            yield Check("tag", False, refusal.sentence, cure)
            continue
        type = answer.get(field, {}).get("type")
        if type in BY_NAME:
            yield Check("tag", True, f"{field} of {MODELS[kind]} gets the tag")
        else:
            what = "there is no such field" if type is None else f"its type is {type}, which cannot store a tag"
            yield Check("tag", False, f"{field} of {MODELS[kind]}: {what}", cure)
