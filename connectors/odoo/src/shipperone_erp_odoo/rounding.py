"""Books Odoo's rounding difference of an invoice on a line of its own (`rounding_account`).

If a company rounds tax globally, Odoo adds up the net amounts of all rates before it rounds them, and rounds the tax of
each rate by itself. An invoice with two rates may then differ by a cent from the sum of its lines. Accountants book
that cent on an account for rounding differences.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from shipperone_erp import FulfillmentOrder
from shipperone_erp_odoo import lookups
from shipperone_erp_odoo.invoice_plan import ROUNDING, DraftLine
from shipperone_erp_odoo.invoice_reader import Standing, standing
from shipperone_erp_odoo.odoo import Odoo
from shipperone_erp_odoo.warehouses import Company

NAME = "Rounding"


Planned = tuple[FulfillmentOrder, Sequence[DraftLine]]
"""An order, with the lines of its invoice."""


def balanced(
    odoo: Odoo, at: Company, current: Mapping[int, Standing], planned: Mapping[int, Planned]
) -> Mapping[int, Standing]:
    """These invoices; each draft has a line for its difference from the plan.

    A draft that was changed by a user is left unchanged: its total is compared, and the order is held.
    """
    code = odoo.settings.rounding_account
    if code is None:
        return current
    off = {id: gap for id, plan in planned.items() if id in current and (gap := _gap(odoo, at, current[id], *plan))}
    for id, gap in off.items():
        line = {
            "sequence": ROUNDING, "name": NAME, "quantity": 1, "price_unit": float(gap), "tax_ids": [[6, 0, []]],
            "account_id": lookups.account(odoo, code, at),
        }  # fmt: skip
        odoo.call("account.move", "write", [id], company=at.id, vals={"invoice_line_ids": [[0, 0, line]]})
    return {**current, **standing(odoo, sorted(off), at)}


def _gap(odoo: Odoo, at: Company, one: Standing, order: FulfillmentOrder, plan: Sequence[DraftLine]) -> Decimal:
    """The draft's difference from its lines' sum, if it is at most one cent for each rate; else zero."""
    if one.state != "draft" or one.rounded:
        return Decimal(0)
    _, cent = lookups.currency(odoo, order.currency or at.currency, at)
    wanted = sum((line.quantity * line.price for line in plan), Decimal(0))
    gap = wanted - one.total
    rates = len({line.taxes for line in plan})
    return gap if one.of_lines == wanted and abs(gap) <= rates * cent else Decimal(0)
