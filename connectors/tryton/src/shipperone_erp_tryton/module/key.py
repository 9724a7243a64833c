"""ShipperOne's keys: one row for each key of a kind, also after its document has been cancelled."""

from trytond.model import ModelSQL, ModelView, Unique, fields


class Key(ModelSQL, ModelView):
    """A key and its document. A row without a document is a mark: no document may be created under that key."""

    __name__ = "shipperone.key"
    _rec_name = "key"

    kind = fields.Selection(
        [("reservation", "Reservation"), ("invoice", "Invoice"), ("delivery", "Delivery")], "Kind", required=True
    )
    key = fields.Char("Key", required=True)
    order = fields.Char("Order")
    voided = fields.Boolean("Voided")
    shipment = fields.Many2One("stock.shipment.out", "Shipment", ondelete="SET NULL")
    invoice = fields.Many2One("account.invoice", "Invoice", ondelete="SET NULL")
    transfers = fields.One2Many("stock.shipment.internal", "shipperone_key", "Transfers")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints += [
            ("key_unique", Unique(table, table.kind, table.key), "shipperone.msg_key_unique"),
            ("invoice_unique", Unique(table, table.invoice), "shipperone.msg_invoice_unique"),
        ]

    @classmethod
    def default_voided(cls):
        return False
