"""What an invoice's tax was compared with: a stated rate, or a tax amount or net row that is listed beside the item.

That a tax comes to the right gross proves nothing, since every tax that a price includes does. Pure functions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from shipperone_erp.domain.hook_answers import Invoice, InvoiceLine
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.invoice_checks.tax_rounding import tax_in
from shipperone_erp.domain.money import decimals
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem

TAX = ("tax_amount", "row_tax_amount", "vat_amount")
"""Keys that a row's tax may be listed under."""

NET = ("row_total_excl_tax", "row_total_excluding_tax", "line_total_excl_tax", "row_total_net", "net_row_total")
"""Keys that a row without its tax may be listed under; none whose meaning differs from shop to shop."""


@dataclass(frozen=True, slots=True)
class RateTotal:
    """The goods that were invoiced at one rate (None: the ERP states none), with tax, and the tax in it."""

    currency: str | None
    percent: Decimal | None
    gross: Decimal
    tax: Decimal | None


def listed_tax(item: OrderItem) -> Decimal | None:
    """The tax of the item's row by itself, or its row with tax less its row without; None where neither is listed, or
    a discount may be in one of them and not in the other."""
    if item.discount:
        return None
    for key in TAX:
        if (tax := _amount(item.extra.get(key))) is not None:
            return tax
    for key in NET:
        net = _amount(item.extra.get(key))
        if net is not None and item.row_total_incl_tax is not None:
            return item.row_total_incl_tax - net
    return None


def invoiced_tax(line: InvoiceLine) -> Decimal | None:
    """The tax of an invoice's line, not rounded where only its rate is told; None where nothing is."""
    if line.tax_amount is not None:
        return line.tax_amount
    if line.tax_percent is None or line.total_incl_tax is None:
        return None
    return tax_in(line.total_incl_tax, line.tax_percent)


def listed_tax_differences(
    order: FulfillmentOrder, invoice: Invoice, currency: str | None, tolerance: Decimal
) -> Iterable[Difference]:
    """Lines without a stated rate whose tax is not the listed one. A unit of the currency is left to rounding."""
    items = {str(item.item_id): item for item in order.items}
    close = max(tolerance, Decimal(1).scaleb(-decimals(currency)))
    for line in invoice.lines:
        item = items[str(line.item_id)]
        ours, theirs = invoiced_tax(line), _of_this_row(item, line)
        if item.tax_percent is None and ours is not None and theirs is not None and abs(ours - theirs) > close:
            yield Difference(f"items[{line.item_id}].tax_amount", f"{ours:.2f}", f"{theirs:f}")


def tax_compared(order: FulfillmentOrder, invoice: Invoice) -> bool:
    """Every line that has an amount was compared by its rate, or by its listed tax."""
    items = {str(item.item_id): item for item in order.items}
    for line in invoice.lines:
        item = items.get(str(line.item_id))
        if item is None or line.total_incl_tax == 0:
            continue
        told = invoiced_tax(line) is not None or line.tax_percent is not None
        if not told or (item.tax_percent is None and _of_this_row(item, line) is None):
            return False
    return True


def _of_this_row(item: OrderItem, line: InvoiceLine) -> Decimal | None:
    """The listed tax, where the line is the row that it is listed with: not a part of it, and at no other amount."""
    return listed_tax(item) if line.total_incl_tax == item.row_total_incl_tax else None


def rate_totals(invoices: Iterable[Invoice]) -> list[RateTotal]:
    """What these invoices come to by currency and rate, the highest rate first; shipping and charges tell no rate."""
    found: dict[tuple[str | None, Decimal | None], list[InvoiceLine]] = {}
    for invoice in invoices:
        for line in invoice.lines:
            percent = None if line.tax_percent is None else line.tax_percent.normalize()
            found.setdefault((invoice.currency, percent), []).append(line)
    totals = [_total(currency, percent, lines) for (currency, percent), lines in found.items()]
    return sorted(totals, key=lambda one: (one.currency or "", -(one.percent if one.percent is not None else -1)))


def _total(currency: str | None, percent: Decimal | None, lines: Iterable[InvoiceLine]) -> RateTotal:
    gross = sum((line.total_incl_tax or Decimal(0) for line in lines), Decimal(0))
    return RateTotal(currency, percent, gross, None if percent is None else tax_in(gross, percent))


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
