"""Where people click to see a document in Odoo."""

from shipperone_erp_odoo.odoo import Odoo


def link(odoo: Odoo, model: str, id: int) -> str:
    """The form of that record, by the address of Odoo 17, which later versions rewrite to their own."""
    return f"{odoo.settings.url}/web#id={id}&model={model}&view_type=form"
