"""The order's item on a move; the reservation's arrival; assignments that cannot sell one piece twice."""

from sql.aggregate import Max
from trytond.model import fields
from trytond.pool import Pool, PoolMeta
from trytond.transaction import Transaction, without_check_access


class Move(metaclass=PoolMeta):
    __name__ = "stock.move"

    shipperone_item = fields.Char("ShipperOne's Item")

    @classmethod
    def _assign_try_lock(cls, product_ids, location_ids, company_ids, date, grouping):
        """Let one of two simultaneous assignments of a product fail, and be replayed by Tryton.

        Tryton locks the product's moves, and reads them in a snapshot of REPEATABLE READ. A transaction that only
        locked them and inserted its own leaves nothing that a second transaction, whose snapshot is older, would
        conflict with: it gets the lock, does not see the first one's moves, and assigns the same piece. Writing to
        the newest of the locked moves makes it a conflict. SQLite has one writer, and needs none of this.
        """
        super()._assign_try_lock(product_ids, location_ids, company_ids, date, grouping)
        transaction = Transaction()
        if not transaction.database.has_select_for():
            return
        table, newest = cls.__table__(), cls.__table__()
        places = fields.SQL_OPERATORS["in"]
        latest = newest.select(
            Max(newest.id),
            where=newest.product.in_(product_ids)
            & (places(newest.to_location, location_ids) | places(newest.from_location, location_ids))
            & newest.company.in_(company_ids),
            group_by=newest.product,
        )
        with transaction.connection.cursor() as cursor:
            cursor.execute(*table.update([table.company], [table.company], where=table.id.in_(latest)))


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
        """Goods that arrive for a reservation are assigned to it at once, before another order can take them."""
        super().do(shipments)
        _assign_waiting(shipments)


@without_check_access
def _assign_waiting(shipments):
    """The warehouse that receives a transfer need not be allowed to assign customer shipments."""
    ShipmentOut = Pool().get("stock.shipment.out")
    waiting = {
        shipment.shipperone_key.shipment
        for shipment in shipments
        if shipment.shipperone_key and shipment.shipperone_key.shipment
    }
    ShipmentOut.assign_try([shipment for shipment in waiting if _has_all(shipment)])


def _has_all(shipment):
    """No transfer of the reservation is still on its way."""
    Key = Pool().get("shipperone.key")
    keys = Key.search([("shipment", "=", shipment.id), ("kind", "=", "reservation"), ("voided", "=", False)])
    return bool(keys) and all(t.state in {"done", "cancelled"} for key in keys for t in key.transfers)
