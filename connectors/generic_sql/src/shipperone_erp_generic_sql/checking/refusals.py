"""Requests that cannot be fulfilled as stated: one piece too many, half a piece, another SKU, another warehouse.

Each is tried in a savepoint, on a database in which an order of these goods is already reserved.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from shipperone_erp import Check, FulfillmentOrder, OrderItem, Reason, Refused
from shipperone_erp_generic_sql.checking.collations import variants
from shipperone_erp_generic_sql.checking.trial_transaction import Trial
from shipperone_erp_generic_sql.errors import DatabaseFailed
from shipperone_erp_generic_sql.exact_values import digits
from shipperone_erp_generic_sql.hook_call import Call

NOWHERE = "no-such-warehouse"


def refused(trial: Trial, order: FulfillmentOrder, reserve: Call) -> Iterator[Check]:
    """The lines. `reserve`: the call of the order that is reserved."""
    item = order.items[0]
    yield shortage(trial, order, item, trial.work(reserve).available(reserve.lines[0]))
    if trial.settings.qty_decimals:
        yield fraction(trial, order, item)
    mixed = [variant for variant in variants(item.sku) if takes(trial, order, item, variant)]
    if mixed:
        sentence = f"an order for {' or '.join(map(repr, mixed))} takes the goods of {item.sku!r}"
        yield Check("collation", None, sentence, "check the column's collation at level connect")
    if elsewhere(trial, order, item):
        sentence = f"an order from the warehouse {NOWHERE!r} reserves {item.sku}: no statement checks the warehouse"
        cure = "look up the goods by :item_warehouse_code, too, unless the ERP has only one warehouse"
        yield Check("warehouse", None, sentence, cure)


def shortage(trial: Trial, order: FulfillmentOrder, item: OrderItem, left: Decimal) -> Check:
    """Two lines of one SKU: the stock covers each alone, but not both together."""
    lines = tuple(replace(item, item_id=number, qty=qty) for number, qty in ((1, left), (2, Decimal(1))) if qty > 0)
    short = trial.call(replace(order, items=lines, charges=()), generation=1, transfer="reserved")
    refusal = trial.tried(lambda: trial.work(short).run("reserve"))
    if refusal is None:
        sentence = f"{digits(left)} of {item.sku} are available, and {digits(left + 1)} were reserved in two lines"
        return Check(
            "shortage", False, sentence, "require sufficient stock in the WHERE of the statement that takes stock"
        )
    answer = refusal.answer if isinstance(refusal, DatabaseFailed) else refusal
    if isinstance(answer, Refused) and answer.reason is Reason.NOT_ENOUGH_STOCK:
        return Check("shortage", True, "one piece more than is available is refused as not_enough_stock")
    cure = 'otherwise = "not_enough_stock" on the statement that takes stock'
    return Check(
        "shortage", None, f"one piece more than is available is refused, but not as a shortage: {answer}", cure
    )


def fraction(trial: Trial, order: FulfillmentOrder, item: OrderItem) -> Check:
    """Half a piece must be stored as half a piece, or refused."""
    half = replace(order, items=(replace(item, qty=Decimal("0.5")),), charges=())
    call = trial.call(half, generation=1, transfer="reserved")
    changed: list[Decimal] = []

    def reserve() -> None:
        before = trial.work(call).available(call.lines[0])
        trial.work(call).run("reserve")
        changed.append(before - trial.work(call).available(call.lines[0]))

    refusal = trial.tried(reserve)
    if refusal is not None:
        return Check("fraction", True, f"half a piece is refused: {refusal}")
    if changed != [Decimal("0.5")]:
        sentence = f"half a piece of {item.sku} was reserved as {digits(changed[0])}"
        return Check("fraction", False, sentence, "write qty_decimals = 0: such an order is then held first")
    return Check("fraction", True, "half a piece is reserved as 0.5")


def takes(trial: Trial, order: FulfillmentOrder, item: OrderItem, variant: str) -> bool:
    """Whether a piece of the variant's spelling is taken from the stock of the SKU itself."""
    call = trial.call(replace(order, items=(item,), charges=()), generation=1, transfer="reserved")
    one = replace(order, items=(replace(item, sku=variant, qty=Decimal(1)),), charges=())
    other = trial.call(one, generation=1, transfer="reserved")
    left: list[Decimal] = []

    def reserve() -> None:
        left.append(trial.work(call).available(call.lines[0]))
        trial.work(other).run("reserve")
        left.append(trial.work(call).available(call.lines[0]))

    return trial.tried(reserve) is None and left[0] != left[1]


def elsewhere(trial: Trial, order: FulfillmentOrder, item: OrderItem) -> bool:
    """Whether a piece is reserved from a warehouse that does not exist."""
    one = replace(item, qty=Decimal(1), warehouse_code=None)
    call = trial.call(
        replace(order, items=(one,), warehouse_code=NOWHERE, charges=()), generation=1, transfer="reserved"
    )
    return trial.tried(lambda: trial.work(call).run("reserve")) is None
