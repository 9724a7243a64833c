"""Compares the invoices in the ERP with the order, and with the connector's answer.

A connector that returns correct amounts and writes others passes every check of its answers: only a read of the ERP
detects it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.testing.findings import Finding, must, same
from shipperone_erp.testing.harness import ErpDocument, ErpLine

COMPARED = ("total_incl_tax", "currency", "party", "lines")
"""The fields of an invoice that are compared if the harness returns them."""


def left_out(document: ErpDocument, order: FulfillmentOrder) -> Iterator[str]:
    """The parts of the order's invoice that cannot be compared, because the harness does not return them."""
    for name in COMPARED:
        if getattr(document, name) is None and (name != "party" or buyer(order) is not None):
            yield name
    goods = _goods(document.lines or ())
    if document.lines is not None and not goods:
        yield "lines.item_id"
    for name in ("qty", "total_incl_tax", "tax_percent"):
        if goods and all(getattr(line, name) is None for line in goods):
            yield f"lines.{name}"


def expected_total(order: FulfillmentOrder) -> Decimal:
    """The correct total of an invoice of this order: goods, shipping, and the charges that belong on it."""
    goods = sum((item.row_total_incl_tax or Decimal(0) for item in order.items), Decimal(0))
    return goods + (order.shipping_amount_incl_tax or Decimal(0)) + order.line_charges


def buyer(order: FulfillmentOrder) -> str | None:
    """The buyer's name for the invoice."""
    for party in (order.billing, order.customer):
        if party is not None and (party.company or party.name):
            return party.company or party.name
    return None


def invoice_is(document: ErpDocument, order: FulfillmentOrder, stated: Invoice | None) -> None:
    """Finding unless the ERP's invoice has the order's amounts, goods, buyer and currency, and the answer's total."""
    what = f"the {document.state} invoice in the ERP"
    if document.total_incl_tax is not None:
        same(document.total_incl_tax, expected_total(order), f"the total of {what}")
        if stated is not None and stated.total_incl_tax is not None:
            same(document.total_incl_tax, stated.total_incl_tax, f"the total of {what}, beside the one stated")
    if document.currency is not None and order.currency is not None:
        same(document.currency, order.currency, f"the currency of {what}")
    if document.party is not None and (name := buyer(order)) is not None:
        same(document.party, name, f"the buyer of {what}")
    if document.lines is not None:
        _lines_are(_goods(document.lines), order.items, what)


def _goods(lines: Iterable[ErpLine]) -> list[ErpLine]:
    return [line for line in lines if line.item_id is not None or line.sku is not None]


def _lines_are(lines: list[ErpLine], items: tuple[OrderItem, ...], what: str) -> None:
    same(len(lines), len(items), f"lines of goods of {what}")
    if all(line.item_id is not None for line in lines):
        by_id = {str(item.item_id): item for item in items}
        must(len({str(line.item_id) for line in lines}) == len(lines), f"an item is on {what} twice")
        for line in lines:
            item = by_id.get(str(line.item_id))
            if item is None:
                raise Finding(f"line {line.item_id!r} of {what} is no item of the order (ids are {list(by_id)})")
            same(_seen(line, line), _seen(line, item), f"item {item.item_id} of {what}")
        return
    for sku in sorted({str(line.sku) for line in lines} | {item.sku for item in items}):
        written = [line for line in lines if line.sku == sku]
        asked = [item for item in items if item.sku == sku]
        same(len(written), len(asked), f"lines of product {sku} of {what}")
        for name in ("qty", "total_incl_tax", "tax_percent"):
            if all(getattr(line, name) is not None for line in written):
                found = Counter(getattr(line, name) for line in written)
                wanted = Counter(_of(item, name) for item in asked)
                same(dict(found), dict(wanted), f"{name} of product {sku} of {what}, and how many lines have it")


def _seen(line: ErpLine, of: ErpLine | OrderItem) -> dict[str, object]:
    """The values of the line or its item that the line provides."""
    return {
        name: _of(of, name)
        for name in ("sku", "qty", "total_incl_tax", "tax_percent")
        if getattr(line, name) is not None
    }


def _of(of: ErpLine | OrderItem, name: str) -> object:
    if isinstance(of, OrderItem) and name == "total_incl_tax":
        return of.row_total_incl_tax
    return getattr(of, name)
