"""Tax rounded by line and tax rounded by document differ: which of them a tax or a total may have. Pure functions.

An invoice's tax of a rate is accepted in either rounding. Where only the other one explains a total, `rounding_hint`
names the ERP's setting.
"""

from collections.abc import Iterable
from decimal import Decimal

from shipperone_erp.domain.amounts.expected_totals import Figures
from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.money import decimals_in_words, rounded
from shipperone_erp.domain.order import FulfillmentOrder


def tax_in(gross: Decimal, rate: Decimal) -> Decimal:
    """The tax included in a gross amount, not rounded."""
    return gross * rate / (100 + rate)


def tax_differences(
    order: FulfillmentOrder, invoice: Invoice, currency: str | None, tolerance: Decimal
) -> Iterable[Difference]:
    """The lines' rates, and the tax of each rate, that differ from the order's; rounded by line or in total."""
    items = {str(item.item_id): item for item in order.items}
    by_rate: dict[Decimal, list[tuple[Decimal, Decimal]]] = {}
    for line in invoice.lines:
        rate = items[str(line.item_id)].tax_percent
        if rate is None:
            continue
        if line.tax_percent is not None and line.tax_percent != rate:
            yield Difference(f"items[{line.item_id}].tax_percent", plain(line.tax_percent), plain(rate))
        elif line.tax_amount is not None and line.total_incl_tax is not None:
            by_rate.setdefault(rate, []).append((line.total_incl_tax, line.tax_amount))
    for rate, lines in by_rate.items():
        ours = sum((tax for _, tax in lines), Decimal(0))
        by_line = sum((rounded(tax_in(gross, rate), currency) for gross, _ in lines), Decimal(0))
        by_total = rounded(tax_in(sum((gross for gross, _ in lines), Decimal(0)), rate), currency)
        if min(abs(ours - by_line), abs(ours - by_total)) > tolerance:
            theirs = str(by_line) if by_line == by_total else f"{by_line} by line or {by_total} in total"
            yield Difference(f"tax[{plain(rate)} %]", str(ours), theirs)


def by_document(order: FulfillmentOrder, sums: Figures) -> Decimal | None:
    """The goods' total with tax on the document's rounded nets; None where an amount or a rate is missing."""
    nets: dict[Decimal, Decimal] = {}
    for item in order.items:
        gross = sums.lines[item.item_id]
        if gross is None or item.tax_percent is None:
            return None
        net = rounded(gross - tax_in(gross, item.tax_percent), sums.currency)
        nets[item.tax_percent] = nets.get(item.tax_percent, Decimal(0)) + net
    return sum((rounded(net * (100 + rate) / 100, sums.currency) for rate, net in nets.items()), Decimal(0))


def rounding_hint(order: FulfillmentOrder, sums: Figures, total: Decimal) -> str:
    """Text to add where an invoice's `total` uses the other rounding, or is no amount of its currency; else ''."""
    if rounded(total, sums.currency) != total:
        return f" ({total} is not an amount of this currency: {decimals_in_words(sums.currency)})"
    document, by_line = by_document(order, sums), sums.invoice_total
    if document is None or by_line is None or document == sums.goods:
        return ""
    if total != document + sums.shipping + sums.charges:
        return ""
    return (
        f" ({by_line} is the sum of the lines' rounded gross amounts; {total} is what tax on the document's rounded "
        "nets gives: set the ERP to round tax per line, with prices that include tax)"
    )
