"""Where people click to see a document in Odoo."""

from shipperone_erp_odoo.odoo import Odoo


def link(odoo: Odoo, model: str, id: int) -> str:
    """The form of that record; this address works in 17, 18 and 19."""
    return f"{odoo.settings.url}/web#id={id}&model={model}&view_type=form"
