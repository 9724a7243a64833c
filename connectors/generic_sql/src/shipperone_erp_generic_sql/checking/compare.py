"""Compares the database's contents after a step with the order, item by item."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from shipperone_erp import Check, Invoice
from shipperone_erp_generic_sql.exact_values import digits
from shipperone_erp_generic_sql.hook_call import Call, Line
from shipperone_erp_generic_sql.query_results import HeldLine
from shipperone_erp_generic_sql.step_execution import Work

Goods = tuple[str, str]
"""A SKU and its warehouse."""

_LINES = "let it return item_id, sku and qty of the reserved items"


def free(work: Work, call: Call) -> dict[Goods, Decimal]:
    """The result of `available` for the goods of each line of the call."""
    return {goods: work.available(line) for goods, line in _by_goods(call).items()}


def wanted(call: Call) -> dict[Goods, Decimal]:
    """The number of pieces of each goods that the call's lines need."""
    sums: dict[Goods, Decimal] = {}
    for line in call.lines:
        goods = line.item.sku, line.warehouse_code
        sums[goods] = sums.get(goods, Decimal(0)) + line.item.qty
    return sums


def moved(
    name: str, before: Mapping[Goods, Decimal], after: Mapping[Goods, Decimal], by: Mapping[Goods, Decimal]
) -> Check:
    """Whether the available quantity has changed by exactly that."""
    wrong = [
        f"{sku} in {warehouse}: {digits(before[sku, warehouse])} were available, {digits(after[sku, warehouse])} are, "
        f"{digits(before[sku, warehouse] + by.get((sku, warehouse), Decimal(0)))} should be"
        for sku, warehouse in before
        if after[sku, warehouse] != before[sku, warehouse] + by.get((sku, warehouse), Decimal(0))
    ]
    if wrong:
        return Check(
            name, False, "\n".join(wrong), "compare the statements with `available`: does each item move its own goods?"
        )
    return Check(name, True, "the available stock has changed by exactly the items' quantities")


def held(name: str, work: Work, call: Call, gone: Mapping[str, Decimal]) -> Check:
    """Whether the reservation holds each item's own goods, less the quantity `gone` since."""
    if not work.configured("find_reservation_lines"):
        sentence = (
            "find_reservation_lines is not configured: it was not checked whether each item reserves its own goods"
        )
        return Check(name, None, sentence, _LINES)
    rows = work.held_lines()
    there: dict[tuple[str, ...], Decimal] = {}
    asked: dict[tuple[str, ...], Decimal] = {}
    columns = _columns(rows)
    for row in rows:
        key = tuple(str(getattr(row, column)) for column in columns)
        there[key] = there.get(key, Decimal(0)) + row.qty
    for line in call.lines:
        key = tuple(_of(line)[column] for column in columns)
        asked[key] = asked.get(key, Decimal(0)) + line.item.qty - gone.get(str(line.item.item_id), Decimal(0))
    return _same(name, asked, there, columns)


def invoiced(name: str, invoice: Invoice, call: Call, *, listed: bool) -> Iterator[Check]:
    """Whether the invoice has the call's lines and quantities, and their amounts if the query lists them."""
    if not listed:
        sentence = "find_invoice_lines is not configured: it was not checked whether each item is invoiced"
        yield Check(name, None, sentence, "let it return item_id, qty, total_incl_tax and tax_percent of each line")
        return
    there: dict[tuple[str, ...], Decimal] = {}
    for row in invoice.lines:
        there[(str(row.item_id),)] = there.get((str(row.item_id),), Decimal(0)) + row.qty
    found = _same(name, {(str(line.item.item_id),): line.item.qty for line in call.lines}, there, ("item_id",))
    yield found
    if not found.ok:
        return
    by_id = {str(line.item.item_id): line for line in call.lines}
    wrong = [
        f"item {row.item_id}: {what} {digits(got)} on the invoice, {digits(asked)} in the order"
        for row in invoice.lines
        for what, got, asked in (
            ("total", row.total_incl_tax, by_id[str(row.item_id)].total_incl_tax),
            ("tax rate", row.tax_percent, by_id[str(row.item_id)].item.tax_percent),
        )
        if got is not None and asked is not None and got != asked
    ]
    if wrong:
        yield Check(
            name, None, "\n".join(wrong), "the order would be held before anything is sent: compare taxes and rounding"
        )


def _columns(rows: list[HeldLine]) -> tuple[str, ...]:
    """The columns that every row has in common."""
    names = ("item_id", "sku", "warehouse_code")
    return tuple(name for name in names if all(getattr(row, name) is not None for row in rows)) or names[:1]


def _of(line: Line) -> dict[str, str]:
    return {"item_id": str(line.item.item_id), "sku": line.item.sku, "warehouse_code": line.warehouse_code}


def _same(
    name: str,
    asked: Mapping[tuple[str, ...], Decimal],
    there: Mapping[tuple[str, ...], Decimal],
    columns: tuple[str, ...],
) -> Check:
    wrong = [
        f"{', '.join(f'{column} {value}' for column, value in zip(columns, key, strict=True))}: "
        f"{digits(asked.get(key, Decimal(0)))} should be there, {digits(there.get(key, Decimal(0)))} are"
        for key in {**asked, **there}
        if asked.get(key, Decimal(0)) != there.get(key, Decimal(0))
    ]
    if wrong:
        cure = "find the statement that uses another item's row; `then` and `capture` keep items separate"
        return Check(name, False, "\n".join(wrong), cure)
    return Check(name, True, f"{len(asked)} lines, each with its own {' and '.join((*columns, 'qty'))}")


def _by_goods(call: Call) -> dict[Goods, Line]:
    return {(line.item.sku, line.warehouse_code): line for line in reversed(call.lines)}
