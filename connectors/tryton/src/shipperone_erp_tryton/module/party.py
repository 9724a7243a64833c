"""The buyer of ShipperOne's orders, under a unique constraint."""

from trytond.model import Unique, fields
from trytond.pool import PoolMeta


class Party(metaclass=PoolMeta):
    __name__ = "party.party"

    shipperone_buyer = fields.Char("ShipperOne's Buyer")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints += [
            ("shipperone_buyer_unique", Unique(table, table.shipperone_buyer), "shipperone.msg_buyer_unique"),
        ]

    @classmethod
    def copy(cls, parties, default=None):
        default = dict(default or {})
        default.setdefault("shipperone_buyer", None)
        return super().copy(parties, default=default)
