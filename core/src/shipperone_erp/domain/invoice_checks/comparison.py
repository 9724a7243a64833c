"""Compares an invoice with the shipped order, and an order with its fresh reading. Pure functions on values.

`expected_totals` computes the expected amounts; `tolerance` is an exact amount.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from shipperone_erp.domain.amounts.expected_totals import Discount, figures
from shipperone_erp.domain.amounts.listed_amounts import cleaned
from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.invoice_checks.listed_taxes import listed_tax_differences
from shipperone_erp.domain.invoice_checks.tax_rounding import tax_differences
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.order import Charge, FulfillmentOrder, OrderItem
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.kernel.printable import label


def invoice_differences(
    order: FulfillmentOrder,
    invoice: Invoice,
    *,
    currency: str | None,
    discount: Discount,
    tolerance: Decimal,
    part: bool,
) -> tuple[Difference, ...]:
    """The differences between the invoice and the order: `ours` is the ERP's side, `theirs` ShipperOne's.

    `discount` is the reading of row totals, by the tenant's rule or as proven. `part`: the ledger shows that this is a
    part of a larger order, whose total is then left out.
    """
    order = cleaned(order, currency)
    found = list(_item_differences(order, invoice))
    if found:
        return tuple(found)
    sums = figures(order, currency, discount)

    def money(field: str, ours: Decimal | None, theirs: Decimal | None) -> None:
        if theirs is not None and (ours is None or abs(ours - theirs) > tolerance):
            found.append(Difference(field, None if ours is None else str(ours), str(theirs)))

    lines = {str(item_id): amount for item_id, amount in sums.lines.items()}
    for line in invoice.lines:
        if line.total_incl_tax is not None:
            money(f"items[{line.item_id}].total_incl_tax", line.total_incl_tax, lines[str(line.item_id)])
    money("shipping_amount_incl_tax", invoice.shipping_amount_incl_tax, order.shipping_amount_incl_tax)
    if invoice.currency and currency and invoice.currency != currency:
        found.append(Difference("currency", invoice.currency, currency))
    if invoice.total_incl_tax is not None:
        money("total_incl_tax", invoice.total_incl_tax, sums.invoice_total)
        if not part and order.total_incl_tax is not None and not any(d.field == "total_incl_tax" for d in found):
            money("total_incl_tax", invoice.total_incl_tax, order.total_incl_tax - sums.payments)
    found.extend(tax_differences(order, invoice, currency, tolerance))
    found.extend(listed_tax_differences(order, invoice, sums, part=part, tolerance=tolerance))
    return tuple(found)


def _item_differences(order: FulfillmentOrder, invoice: Invoice) -> Iterable[Difference]:
    shipped = {str(item.item_id): item for item in order.items}
    invoiced: dict[str, Decimal] = {}
    for line in invoice.lines:
        if str(line.item_id) in invoiced:
            yield Difference(f"items[{line.item_id}]", "listed twice", "listed once")
        invoiced[str(line.item_id)] = line.qty
    for item_id, item in shipped.items():
        if item_id not in invoiced:
            yield Difference(f"items[{item_id}]", None, f"{plain(item.qty)} of {label(item.sku)}")
        elif invoiced[item_id] != item.qty:
            yield Difference(f"items[{item_id}].qty", plain(invoiced[item_id]), plain(item.qty))
    for item_id in invoiced.keys() - shipped.keys():
        yield Difference(f"items[{item_id}]", plain(invoiced[item_id]), None)


def order_differences(sent: FulfillmentOrder, now: FulfillmentOrder | None) -> tuple[Difference, ...]:
    """The changes at ShipperOne since the job was made: `ours` is the job's order, `theirs` the fresh one."""
    if now is None:
        return (Difference("order", "listed", None),)
    found: list[Difference] = []

    def compare(name: str, ours: object, theirs: object) -> None:
        if ours != theirs:
            found.append(Difference(name, _words(ours), _words(theirs)))

    compare("warehouse_code", sent.warehouse_code, now.warehouse_code)
    ours, theirs = ({str(i.item_id): i for i in order.items} for order in (sent, now))
    for item_id in sorted(ours.keys() | theirs.keys()):
        mine, fresh = ours.get(item_id), theirs.get(item_id)
        if mine is None or fresh is None:
            compare(f"items[{item_id}]", mine and f"{plain(mine.qty)} of {label(mine.sku)}", fresh and _line(fresh))
            continue
        for name in ("sku", "qty", "warehouse_code", "price_incl_tax", "row_total_incl_tax", "tax_percent", "discount"):
            compare(f"items[{item_id}].{name}", getattr(mine, name), getattr(fresh, name))
    for name in ("shipping_amount_incl_tax", "total_incl_tax", "currency", "customer", "billing", "shipping"):
        compare(name, getattr(sent, name), getattr(now, name))
    before, after = ({charge.name: charge for charge in order.charges} for order in (sent, now))
    for name in sorted(before.keys() | after.keys()):
        compare(f"charges[{name}]", _charge(before.get(name)), _charge(after.get(name)))
    return tuple(found)


def _line(item: OrderItem) -> str:
    return f"{plain(item.qty)} of {label(item.sku)}"


def _charge(charge: Charge | None) -> str | None:
    return f"{plain(charge.amount)} ({charge.kind})" if charge else None


def _words(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal | str | int):
        return str(value)
    return "…"  # a party: personal data stay out of differences


def only_amounts(differences: Iterable[Difference]) -> bool:
    """All of them are amounts or tax, which a policy may accept. Items, quantities and currency never are."""
    return all(d.field.split(".")[-1].startswith(("total_", "shipping_", "tax")) for d in differences)


FIELDS_OF: Mapping[Reason, Callable[[str], bool]] = {
    Reason.ITEMS_CHANGED: lambda field: field.startswith("items") and field.endswith((".qty", ".sku", "]")),
    Reason.CURRENCY_DIFFERS: lambda field: field == "currency",
    Reason.SHIPPING_DIFFERS: lambda field: field == "shipping_amount_incl_tax",
    Reason.TAX_DIFFERS: lambda field: field.startswith("tax") or field.endswith(("tax_percent", "tax_amount")),
    Reason.TOTAL_DIFFERS: lambda field: (
        field.startswith("charges") or field.endswith(("total_incl_tax", "price_incl_tax", "discount"))
    ),
}
"""The fields that a reason is about, the most important reason first."""


def reason_for(differences: tuple[Difference, ...], default: Reason) -> Reason:
    """The reason that names these differences best, by `FIELDS_OF`; `default` where there are none."""
    fields = [difference.field for difference in differences]
    named = (reason for reason, is_its in FIELDS_OF.items() if any(map(is_its, fields)))
    return next(named, Reason.ITEMS_CHANGED if fields else default)


def side_by_side(differences: tuple[Difference, ...], ours: str, theirs: str) -> str:
    """'shipping_amount_incl_tax: ERP 4.99, ShipperOne 5.99; …' for operators."""
    return "; ".join(
        f"{d.field}: {ours} {d.ours if d.ours is not None else 'nothing'}, "
        f"{theirs} {d.theirs if d.theirs is not None else 'nothing'}"
        for d in differences
    )
