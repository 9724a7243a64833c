"""Tax rounded by line and tax rounded by document differ: these functions detect which one an amount uses."""

from decimal import Decimal

from shipperone_erp.domain.amounts.expected_totals import Figures
from shipperone_erp.domain.money import decimals_in_words, rounded
from shipperone_erp.domain.order import FulfillmentOrder


def tax_in(gross: Decimal, rate: Decimal) -> Decimal:
    """The tax included in a gross amount, not rounded."""
    return gross * rate / (100 + rate)


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
