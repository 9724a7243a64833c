"""One row for each product, which every assignment of the product writes before it reads what is free."""

from sql import Conflict
from sql.functions import CurrentTimestamp
from trytond.model import ModelSQL, Unique, fields
from trytond.transaction import Transaction


class Assignment(ModelSQL):
    """The row that two simultaneous assignments of a product both write: the database lets one of them commit."""

    __name__ = "shipperone.assignment"

    product = fields.Many2One("product.product", "Product", required=True, ondelete="CASCADE")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints += [("product_unique", Unique(table, table.product), "shipperone.msg_product_unique")]

    @classmethod
    def claim(cls, product_ids):
        """From here to the end of the transaction no other one can assign these products.

        Another transaction that holds one of the rows is waited for. If it commits, this one fails with an error of
        the database, since its snapshot does not show what the other one assigned; Tryton replays it. The rows are
        written in the order of their products, so that no two transactions wait for each other. SQLite has one writer
        for the whole database, and needs no rows.
        """
        transaction = Transaction()
        if not (product_ids and transaction.database.has_select_for()):
            return
        table = cls.__table__()
        claimed = table.insert(
            [table.product],
            [[product] for product in sorted(set(product_ids))],
            on_conflict=Conflict(
                table, indexed_columns=[table.product], columns=[table.write_date], values=[CurrentTimestamp()]
            ),
        )
        with transaction.connection.cursor() as cursor:
            cursor.execute(*claimed)
