"""The order's item on a move; the arrival of reserved goods; assignments that cannot assign one piece twice."""

from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.transaction import without_check_access


class Move(metaclass=PoolMeta):
    __name__ = "stock.move"

    shipperone_item = fields.Char("ShipperOne's Item")

    @classmethod
    def _assign_try_lock(cls, product_ids, location_ids, company_ids, date, grouping):
        """Make one of two concurrent assignments of a product fail, so that Tryton replays it.

        Tryton locks the product's moves, and reads them in a snapshot of REPEATABLE READ. A transaction that only
        locked them and inserted its own moves changes no row with which a second transaction of an older snapshot would
        conflict. The second one gets the lock, does not see the first one's moves, and assigns the same piece. A row
        that both of them write makes it a conflict.
        """
        Pool().get("shipperone.assignment").claim(product_ids)
        super()._assign_try_lock(product_ids, location_ids, company_ids, date, grouping)


class ShipmentInternal(metaclass=PoolMeta):
    __name__ = "stock.shipment.internal"

    shipperone_key = fields.Many2One("shipperone.key", "ShipperOne's Key", ondelete="RESTRICT")

    @classmethod
    def copy(cls, shipments, default=None):
        default = dict(default or {})
        default.setdefault("shipperone_key", None)
        return super().copy(shipments, default=default)

    @classmethod
    def do(cls, shipments):
        """Goods that arrive for a reservation are assigned to it at once, before another order can reserve them."""
        super().do(shipments)
        _assign_waiting(shipments)


@without_check_access
def _assign_waiting(shipments):
    """The warehouse user who receives a transfer may lack the right to assign customer shipments."""
    ShipmentOut = Pool().get("stock.shipment.out")
    waiting = {
        shipment.shipperone_key.shipment
        for shipment in shipments
        if shipment.shipperone_key and shipment.shipperone_key.shipment
    }
    ShipmentOut.assign_try([shipment for shipment in waiting if _has_all(shipment)])


def _has_all(shipment):
    """Whether no transfer of the reservation is still in transit."""
    Key = Pool().get("shipperone.key")
    keys = Key.search([("shipment", "=", shipment.id), ("kind", "=", "reservation"), ("voided", "=", False)])
    return bool(keys) and all(t.state in {"done", "cancelled"} for key in keys for t in key.transfers)
