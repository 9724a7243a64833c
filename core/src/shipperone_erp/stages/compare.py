"""Comparing an invoice with what shipped, and an order with itself as freshly read. Pure functions on values.

Money is compared in the order's currency, rounded half up to that currency's decimals; `tolerance` is an exact amount.
"""

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal

from shipperone_erp.model.answers import Invoice
from shipperone_erp.model.keys import plain
from shipperone_erp.model.order import FulfillmentOrder, OrderItem
from shipperone_erp.model.requests import Difference
from shipperone_erp.reasons import Reason

WITHOUT_DECIMALS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "HUF", "ISK", "JPY", "KMF"}
    | {"KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
)
"""Currencies whose amounts have no decimals (ISO 4217; HUF by its practice)."""


def rounded(amount: Decimal, currency: str | None) -> Decimal:
    """The amount in the currency's smallest unit, half up."""
    unit = Decimal(1) if currency in WITHOUT_DECIMALS else Decimal("0.01")
    return amount.quantize(unit, ROUND_HALF_UP)


def line_amounts(order: FulfillmentOrder, currency: str | None) -> dict[int | str, Decimal | None]:
    """What each line should come to, by item id; None where ShipperOne gives no price.

    Row totals less discounts where these add up to the order's total, else row totals, else price times quantity.
    """

    def listed(item: OrderItem) -> Decimal | None:
        if item.row_total_incl_tax is not None:
            return item.row_total_incl_tax
        if item.price_incl_tax is not None:
            return rounded(item.price_incl_tax * item.qty, currency)
        return None

    def less_discount(item: OrderItem) -> Decimal | None:
        amount = listed(item)
        return None if amount is None else amount - abs(item.discount or Decimal(0))

    if any(item.discount for item in order.items) and order.total_incl_tax is not None:
        amounts = {item.item_id: less_discount(item) for item in order.items}
        if _sum(amounts.values(), order) == order.total_incl_tax:
            return amounts
    return {item.item_id: listed(item) for item in order.items}


def _sum(amounts: Iterable[Decimal | None], order: FulfillmentOrder) -> Decimal | None:
    total = order.shipping_amount_incl_tax or Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def expected_total(order: FulfillmentOrder, currency: str | None) -> Decimal | None:
    """The lines and the shipping together; None where a line has no price."""
    return _sum(line_amounts(order, currency).values(), order)


def unexplained(order: FulfillmentOrder, currency: str | None, tolerance: Decimal) -> str | None:
    """A sentence with the sum if lines and shipping do not add up to the order's total; None if they do.

    Only for a whole order: a part's lines never add up to the order's total.
    """
    total, expected = order.total_incl_tax, expected_total(order, currency)
    if total is None or expected is None or abs(total - expected) <= tolerance:
        return None
    shipping = order.shipping_amount_incl_tax
    lines = expected - (shipping or Decimal(0))
    return (
        f"the lines come to {lines} and shipping to {shipping}, together {expected}, but the order's total is {total}: "
        f"{total - expected} is not explained{rounding_hint(order, total, currency)}"
    )


def invoice_differences(
    order: FulfillmentOrder, invoice: Invoice, *, currency: str | None, tolerance: Decimal, part: bool
) -> tuple[Difference, ...]:
    """What the invoice states otherwise than the order: `ours` is the ERP's side, `theirs` ShipperOne's.

    `part`: the ledger shows that this is a part of a larger order, whose total is then left out.
    """
    found = list(_item_differences(order, invoice))
    if found:
        return tuple(found)
    amounts = {str(item_id): amount for item_id, amount in line_amounts(order, currency).items()}

    def money(field: str, ours: Decimal | None, theirs: Decimal | None) -> None:
        if theirs is not None and (ours is None or abs(ours - theirs) > tolerance):
            found.append(Difference(field, None if ours is None else str(ours), str(theirs)))

    for line in invoice.lines:
        if line.total_incl_tax is not None:
            money(f"items[{line.item_id}].total_incl_tax", line.total_incl_tax, amounts[str(line.item_id)])
    money("shipping_amount_incl_tax", invoice.shipping_amount_incl_tax, order.shipping_amount_incl_tax)
    if invoice.currency and currency and invoice.currency != currency:
        found.append(Difference("currency", invoice.currency, currency))
    if invoice.total_incl_tax is not None:
        money("total_incl_tax", invoice.total_incl_tax, expected_total(order, currency))
        if not part and not any(d.field == "total_incl_tax" for d in found):
            money("total_incl_tax", invoice.total_incl_tax, order.total_incl_tax)
    found.extend(_tax_differences(order, invoice, currency, tolerance))
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
            yield Difference(f"items[{item_id}]", None, f"{plain(item.qty)} of {item.sku}")
        elif invoiced[item_id] != item.qty:
            yield Difference(f"items[{item_id}].qty", plain(invoiced[item_id]), plain(item.qty))
    for item_id in invoiced.keys() - shipped.keys():
        yield Difference(f"items[{item_id}]", plain(invoiced[item_id]), None)


def _tax_differences(
    order: FulfillmentOrder, invoice: Invoice, currency: str | None, tolerance: Decimal
) -> Iterable[Difference]:
    items = {str(item.item_id): item for item in order.items}
    told: dict[Decimal, list[tuple[Decimal, Decimal]]] = {}
    for line in invoice.lines:
        rate = items[str(line.item_id)].tax_percent
        if rate is None:
            continue
        if line.tax_percent is not None and line.tax_percent != rate:
            yield Difference(f"items[{line.item_id}].tax_percent", plain(line.tax_percent), plain(rate))
        elif line.tax_amount is not None and line.total_incl_tax is not None:
            told.setdefault(rate, []).append((line.total_incl_tax, line.tax_amount))
    for rate, lines in told.items():
        ours = sum((tax for _, tax in lines), Decimal(0))
        by_line = sum((rounded(_tax_in(gross, rate), currency) for gross, _ in lines), Decimal(0))
        by_total = rounded(_tax_in(sum((gross for gross, _ in lines), Decimal(0)), rate), currency)
        if min(abs(ours - by_line), abs(ours - by_total)) > tolerance:
            theirs = str(by_line) if by_line == by_total else f"{by_line} by line or {by_total} in total"
            yield Difference(f"tax[{plain(rate)} %]", str(ours), theirs)


def _tax_in(gross: Decimal, rate: Decimal) -> Decimal:
    return gross * rate / (100 + rate)


def rounding_hint(order: FulfillmentOrder, total: Decimal, currency: str | None) -> str:
    """Words to add where `total` is what tax computed on the rounded nets of the whole document would give; else ''."""
    nets: dict[Decimal, Decimal] = {}
    for item in order.items:
        gross = line_amounts(order, currency)[item.item_id]
        if gross is None or item.tax_percent is None:
            return ""
        net = rounded(gross - _tax_in(gross, item.tax_percent), currency)
        nets[item.tax_percent] = nets.get(item.tax_percent, Decimal(0)) + net
    by_document = sum((rounded(net * (100 + rate) / 100, currency) for rate, net in nets.items()), Decimal(0))
    shipping = order.shipping_amount_incl_tax or Decimal(0)
    by_line = expected_total(order, currency)
    if by_line is None or by_document + shipping == by_line or total != by_document + shipping:
        return ""
    return (
        f" ({by_line} is the sum of the lines' rounded gross amounts; {total} is what tax on the document's rounded "
        "nets gives: set the ERP to round tax per line, with prices that include tax)"
    )


def order_differences(sent: FulfillmentOrder, now: FulfillmentOrder | None) -> tuple[Difference, ...]:
    """What has changed at ShipperOne since the job was made: `ours` is the job's order, `theirs` the fresh one."""
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
            compare(f"items[{item_id}]", mine and f"{plain(mine.qty)} of {mine.sku}", fresh and _line(fresh))
            continue
        for name in ("sku", "qty", "warehouse_code", "price_incl_tax", "row_total_incl_tax", "tax_percent", "discount"):
            compare(f"items[{item_id}].{name}", getattr(mine, name), getattr(fresh, name))
    for name in ("shipping_amount_incl_tax", "total_incl_tax", "currency", "customer", "billing", "shipping"):
        compare(name, getattr(sent, name), getattr(now, name))
    return tuple(found)


def _line(item: OrderItem) -> str:
    return f"{plain(item.qty)} of {item.sku}"


def _words(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal | str | int):
        return str(value)
    return "…"  # a party: people's data stay out of differences


def only_amounts(differences: Iterable[Difference]) -> bool:
    """All of them are amounts or tax: what a policy may accept. Items, quantities and currency never are."""
    return all(d.field.split(".")[-1].startswith(("total_", "shipping_", "tax")) for d in differences)


def reason_for(differences: tuple[Difference, ...], default: Reason) -> Reason:
    """The reason that names these differences best: items before currency, shipping, tax, amounts."""
    fields = [difference.field for difference in differences]

    def any_field(test: Callable[[str], bool]) -> bool:
        return any(test(field) for field in fields)

    if any_field(lambda f: f.endswith((".qty", ".sku", "]")) and f.startswith("items")):
        return Reason.ITEMS_CHANGED
    if "currency" in fields:
        return Reason.CURRENCY_DIFFERS
    if "shipping_amount_incl_tax" in fields:
        return Reason.SHIPPING_DIFFERS
    if any_field(lambda f: f.startswith("tax") or f.endswith("tax_percent")):
        return Reason.TAX_DIFFERS
    if any_field(lambda f: f.endswith(("total_incl_tax", "price_incl_tax", "discount"))):
        return Reason.TOTAL_DIFFERS
    return Reason.ITEMS_CHANGED if fields else default


def side_by_side(differences: tuple[Difference, ...], ours: str, theirs: str) -> str:
    """'shipping_amount_incl_tax: ERP 4.99, ShipperOne 5.99; …' for people."""
    return "; ".join(
        f"{d.field}: {ours} {d.ours if d.ours is not None else 'nothing'}, "
        f"{theirs} {d.theirs if d.theirs is not None else 'nothing'}"
        for d in differences
    )
