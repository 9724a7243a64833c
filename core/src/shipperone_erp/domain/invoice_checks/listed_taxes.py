"""Compares an invoice's tax with a stated rate, or with a tax amount or net row that is listed beside the item.

A tax that comes to the right gross proves nothing, since every tax that a price includes does. Pure functions.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp.domain.amounts.expected_totals import Figures
from shipperone_erp.domain.bundles import price
from shipperone_erp.domain.hook_answers import Invoice, InvoiceLine
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.invoice_checks.tax_rounding import tax_in
from shipperone_erp.domain.money import NOTHING, decimals, rounded
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.kernel.json_values import exact

TAX = ("tax_amount", "row_tax_amount", "vat_amount")
"""Keys under which a row's tax may be listed."""

NET = ("row_total_excl_tax", "row_total_excluding_tax", "line_total_excl_tax", "row_total_net", "net_row_total")
"""Keys under which a row without its tax may be listed; none whose meaning differs from shop to shop."""

HIGHEST = Decimal(40)
"""Percent; no country has a higher rate of tax on goods."""

CLOSE = Decimal("0.02")
"""The greatest difference at which a listed tax and a listed net row still count as one row's."""


@dataclass(frozen=True, slots=True)
class RateTotal:
    """The goods that were invoiced at one rate (None: the ERP states none), with tax, and the tax in it."""

    currency: str | None
    percent: Decimal | None
    gross: Decimal
    tax: Decimal | None


def states_tax(item: OrderItem) -> bool:
    """A rate, a tax or a net row is listed with the item."""
    return item.tax_percent is not None or any(_figures(item))


def listed_taxes(item: OrderItem, gross: Decimal) -> tuple[Decimal, ...]:
    """The possible taxes of the item's line by its listed figures, where the line comes to `gross`; not rounded.

    A listed tax, and a net row, belongs to the item's row, whatever share of it the line is; where there is a discount,
    to the row before it or after it. Where both are listed, only values that agree with both remain; if they contradict
    each other, the tax counts. Empty where neither is listed.
    """
    listed, off = price(item), abs(item.discount or NOTHING)
    row = gross if listed is None else listed
    bases = dict.fromkeys((row, row + off, row - off, gross) if off else (row,))
    tax, net = _figures(item)
    by_tax = [tax * gross / base for base in bases if base] if tax is not None else []
    by_net = [(base - net) * gross / base for base in bases if base] if net is not None else []
    both = [one for one in by_tax if any(abs(one - other) <= CLOSE for other in by_net)]
    return tuple(dict.fromkeys(both or by_tax or by_net))


def _figures(item: OrderItem) -> tuple[Decimal | None, Decimal | None]:
    """The tax and the row without it, each None where it is not listed."""
    tax, net = ([exact(item.extra.get(key)) for key in keys] for keys in (TAX, NET))
    return next((one for one in tax if one is not None), None), next((one for one in net if one is not None), None)


def invoiced_tax(line: InvoiceLine) -> Decimal | None:
    """The tax of an invoice's line, not rounded where only its rate is stated; None where neither is stated."""
    if line.tax_amount is not None:
        return line.tax_amount
    if line.tax_percent is None or line.total_incl_tax is None:
        return None
    return tax_in(line.total_incl_tax, line.tax_percent)


def listed_tax_differences(
    order: FulfillmentOrder, invoice: Invoice, sums: Figures, *, part: bool, tolerance: Decimal
) -> Iterable[Difference]:
    """Lines without a stated rate whose tax matches no listed one. One unit of the currency is left to rounding.

    `part`: the order is invoiced in parts, and a listed tax may be that of all parts. One that corresponds to no
    country's rate is taken for that.
    """
    close = max(tolerance, Decimal(1).scaleb(-decimals(sums.currency)))
    for item, line, gross in _lines(order, invoice, sums):
        if item.tax_percent is not None:
            continue
        ours, theirs = invoiced_tax(line), _usable(item, gross, part=part)
        if ours is None or not theirs:
            continue
        if all(abs(ours - tax) > close for tax in theirs):
            listed = min(theirs, key=lambda tax: abs(tax - ours))
            shown = rounded(listed, sums.currency)
            yield Difference(f"items[{line.item_id}].tax_amount", f"{rounded(ours, sums.currency):f}", f"{shown:f}")


def tax_compared(order: FulfillmentOrder, invoice: Invoice, sums: Figures, *, part: bool) -> bool:
    """Every line that has an amount was compared by its rate, or by its listed tax.

    With a discount the listing may allow two taxes. A match with one proves nothing where the other one is a rate too.
    """
    close = Decimal(1).scaleb(-decimals(sums.currency))
    for item, line, gross in _lines(order, invoice, sums):
        ours = invoiced_tax(line)
        if ours is None and line.tax_percent is None:
            return False
        if item.tax_percent is None:
            theirs = _usable(item, gross, part=part)
            others = [tax for tax in theirs if ours is None or abs(tax - ours) > close]
            if not theirs or any(_is_a_rate(tax, gross, close) for tax in others):
                return False
    return True


def _lines(
    order: FulfillmentOrder, invoice: Invoice, sums: Figures
) -> Iterator[tuple[OrderItem, InvoiceLine, Decimal]]:
    """Each line of the invoice that comes to an amount, with its item and that amount."""
    items = {str(item.item_id): item for item in order.items}
    for line in invoice.lines:
        item = items.get(str(line.item_id))
        gross = line.total_incl_tax if line.total_incl_tax is not None or item is None else sums.lines[item.item_id]
        if item is not None and gross:
            yield item, line, gross


def _usable(item: OrderItem, gross: Decimal, *, part: bool) -> tuple[Decimal, ...]:
    theirs = listed_taxes(item, gross)
    possible = any(NOTHING <= tax / (gross - tax) * 100 <= HIGHEST for tax in theirs if tax != gross)
    return theirs if possible or not part else ()


def _is_a_rate(tax: Decimal, gross: Decimal, close: Decimal) -> bool:
    """Some rate in steps of half a percent gives this tax, within `close`."""
    if tax < 0 or gross == tax:
        return False
    rate = tax / (gross - tax) * 100
    nearest = (rate * 2).to_integral_value() / 2
    return rate <= HIGHEST and abs(tax_in(gross, nearest) - tax) <= close


def rate_totals(invoices: Iterable[Invoice]) -> list[RateTotal]:
    """The sums of these invoices by currency and rate, the highest rate first; without shipping and charges."""
    found: dict[tuple[str | None, Decimal | None], list[InvoiceLine]] = {}
    for invoice in invoices:
        for line in invoice.lines:
            percent = None if line.tax_percent is None else line.tax_percent.normalize()
            found.setdefault((invoice.currency, percent), []).append(line)
    totals = [_total(currency, percent, lines) for (currency, percent), lines in found.items()]
    return sorted(totals, key=lambda one: (one.currency or "", -(one.percent if one.percent is not None else -1)))


def _total(currency: str | None, percent: Decimal | None, lines: Iterable[InvoiceLine]) -> RateTotal:
    gross = sum((line.total_incl_tax or NOTHING for line in lines), NOTHING)
    return RateTotal(currency, percent, gross, None if percent is None else tax_in(gross, percent))
