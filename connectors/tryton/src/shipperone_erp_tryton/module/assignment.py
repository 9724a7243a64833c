"""One row for each product. Every assignment of the product writes it before reading the free quantity."""

from sql import Conflict
from sql.functions import CurrentTimestamp
from trytond.model import ModelSQL, Unique, fields
from trytond.transaction import Transaction


class Assignment(ModelSQL):
    """The row that two concurrent assignments of a product both write: the database lets only one of them commit."""

    __name__ = "shipperone.assignment"

    product = fields.Many2One("product.product", "Product", required=True, ondelete="CASCADE")

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints += [("product_unique", Unique(table, table.product), "shipperone.msg_product_unique")]

    @classmethod
    def claim(cls, product_ids):
        """From here to the end of the transaction no other transaction can assign these products.

        If another transaction holds one of the rows, this one waits. If the other one commits, this one fails with an
        error of the database, since its snapshot does not show the other's assignment; Tryton replays it. The rows are
        written in the sequence of their products, so that no two transactions deadlock. SQLite has one writer for the
        whole database, and needs no rows.
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
