"""Web addresses of documents in Odoo."""

from shipperone_erp_odoo.odoo import Odoo


def link(odoo: Odoo, model: str, id: int) -> str:
    """The form of that record, in the address format of Odoo 17, which later versions redirect."""
    return f"{odoo.settings.url}/web#id={id}&model={model}&view_type=form"
