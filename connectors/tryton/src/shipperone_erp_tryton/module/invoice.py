"""The order's item on a line of an invoice."""

from trytond.model import fields
from trytond.modules.currency.fields import Monetary
from trytond.pool import PoolMeta


class InvoiceLine(metaclass=PoolMeta):
    __name__ = "account.invoice.line"

    shipperone_item = fields.Char("ShipperOne's Item")
    shipperone_gross = Monetary(
        "Amount with Tax",
        currency="currency",
        digits="currency",
        help="What ShipperOne sold the line for; Tryton itself keeps the tax by rate, not by line.",
    )
