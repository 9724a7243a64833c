"""The amounts that an order must state before its invoice is built. Absent is never zero. Nothing is rounded silently.

`doctor` and a dry run make the same checks as the flow.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from shipperone_erp.domain.amounts.approved_totals import reading_at
from shipperone_erp.domain.amounts.charges import items_charges
from shipperone_erp.domain.amounts.discount_readings import field_of, open_sums, settled
from shipperone_erp.domain.amounts.expected_totals import Discount, Figures, figures
from shipperone_erp.domain.amounts.listed_amounts import cleaned
from shipperone_erp.domain.bundles import names
from shipperone_erp.domain.history import History
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.invoice_checks.bounds import Bounds
from shipperone_erp.domain.invoice_checks.open_questions import in_words, of_unit, unclear_rate, undecided_party
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.invoice_checks.remainder import enough, explaining, unexplained
from shipperone_erp.domain.invoice_checks.repeated_charges import repeated
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.money import decimals_in_words, rounded
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.recorded_jobs import Recorded
from shipperone_erp.domain.reservations import rows_in
from shipperone_erp.domain.rules import TenantRules
from shipperone_erp.domain.states import Stage

NOTHING_RECORDED = Recorded()

RATE_AT_MOST = Decimal(100)
"""Percent. 2100 is 21 % in another unit, and an invoice would state it as it is."""


def foreseen(
    listed: FulfillmentOrder, settings: TenantRules, recorded: Recorded, *, approved: Decimal | None = None
) -> Problem | None:
    """The first problem for which the flow would hold this listing before it builds anything; needs no job."""
    goods = sort_out(listed, settings, rows_in(recorded.allocations, always=True))
    if unclear := goods.unclear or goods.incomplete:
        return Problem(Reason.BUNDLE_UNCLEAR, unclear, Owner.IT)
    if undecided := undecided_party(goods.invoiced, recorded.allocations, settings):
        return undecided
    return problem(
        goods.invoiced,
        settings,
        part=History(settings, recorded.invoices, recorded.allocations).is_part(listed),
        earlier=recorded.invoices,
        allocated=[sort_out(job.order, settings).invoiced for job in recorded.allocations],
        recorded=recorded,
        approved=approved,
    )


def problem(
    order: FulfillmentOrder,
    settings: TenantRules,
    *,
    part: bool,
    earlier: Sequence[Job],
    allocated: Iterable[FulfillmentOrder] = (),
    recorded: Recorded = NOTHING_RECORDED,
    approved: Decimal | None = None,
) -> Problem | None:
    """The first problem that prevents an invoice of this order; None if there is none.

    `part`: the ledger shows that this is a part of a larger order, so that the listed total proves nothing about it.
    `earlier` are the order's invoices that ShipperOne has accepted. `allocated` is the order as its allocations listed
    it. `recorded` holds the ledger's other jobs beside it. `approved` is the sum at which an operator has accepted
    exactly this listing: no sum is questioned if the invoice comes to it.
    """
    order = cleaned(order, order.currency or settings.currency, tolerance=settings.tolerance)
    return next(_problems(order, settings, part, earlier, allocated, recorded, approved), None)


def _problems(
    order: FulfillmentOrder,
    settings: TenantRules,
    part: bool,
    earlier: Sequence[Job],
    allocated: Iterable[FulfillmentOrder],
    recorded: Recorded,
    approved: Decimal | None,
) -> Iterator[Problem]:
    tenant, currency = settings.name, order.currency or settings.currency
    if currency is None:
        yield _missing(tenant, Reason.CURRENCY_MISSING, "currency", ', or set the tenant\'s `currency = "…"`')
        return
    allowed = {*settings.currencies, *([settings.currency] if settings.currency else [])}
    if allowed and currency not in allowed:
        yield Problem(
            Reason.CURRENCY_DIFFERS,
            f"the order is in {currency}, and this tenant allows {', '.join(sorted(allowed))}: if {currency} is right, "
            f"add it to `currencies` of [tenants.{tenant}]",
            Owner.ACCOUNTANT,
        )
    other = next((known for known in _currencies(recorded) if known != currency), None)
    if other is not None:
        yield Problem(Reason.CURRENCY_DIFFERS, _other_currency(order, currency, other, tenant), Owner.ACCOUNTANT)
    if order.shipping_amount_incl_tax is None:
        yield _missing(tenant, Reason.SHIPPING_MISSING, "shipping_amount_incl_tax")
    before = [job.order for job in earlier] if part else []
    discount = settled(
        order, currency, settings.discount, tolerance=settings.tolerance, part=part, allocated=allocated, earlier=before
    ) or reading_at(order, currency, approved)
    yield from _unpriced(order, tenant, discount)
    yield from _no_rates(order)
    if settings.tax_rates is None and (unclear := unclear_rate(order)):
        cause = f"{in_words(unclear, tenant)}: every order that is held for this then resumes automatically"
        yield Problem(Reason.AMOUNT_UNEXPLAINED, cause, Owner.ACCOUNTANT, (of_unit(unclear),))
    yield from _too_fine(order, currency, settings, discount)
    sums = figures(order, currency, discount)
    if sums.invoice_total is not None and sums.invoice_total < 0:
        yield Problem(Reason.AMOUNT_UNEXPLAINED, _negative(order, sums.invoice_total, currency), Owner.ACCOUNTANT)
    if approved is not None and approved == sums.invoice_total:
        return
    bounds = Bounds(order, currency, settings, recorded, discount)
    by_total = settings.order_total != "ignore"
    sentence = unexplained(order, currency, settings, discount) if by_total and not part else None
    if sentence and not bounds.of_sales_order:
        yield Problem(
            Reason.AMOUNT_UNEXPLAINED,
            sentence + _larger(order, sums),
            Owner.ACCOUNTANT,
            explaining(order, currency, settings.discount),
        )
    if discount is None:
        readings = open_sums(order, currency)
        yield Problem(Reason.AMOUNT_UNEXPLAINED, _open(order, readings, tenant), Owner.ACCOUNTANT, readings)
    if part:
        for contradiction in bounds.parts():
            yield _held(order, f"{contradiction}. Have ShipperOne list the amounts of this part only", sums)
    if settings.shipping_on_parts == "hold":
        carried = repeated(
            order,
            earlier,
            recorded.invoiced_elsewhere if recorded.invoiced_elsewhere and not bounds.charged_in_shares else (),
            allocations=(job.order for job in recorded.allocations),
            of_items=items_charges(settings.charges, settings.fields_of(Stage.INVOICE)),
            currency=currency,
            tolerance=settings.tolerance,
        )
        for sentence in carried:
            yield Problem(Reason.SHIPPING_REPEATED, f"{sentence} in [tenants.{tenant}]", Owner.ACCOUNTANT)
    # most orders are whole, and come to their own total
    bounded = part or sentence is not None or order.total_incl_tax is None or bounds.of_sales_order
    excess = bounds.sums() if by_total and bounded else None
    if excess:
        cure = f"Have ShipperOne correct it, or record a credit note by `order credited {order.order_id}`"
        yield _held(order, f"{excess}. {cure}", sums)


def _currencies(recorded: Recorded) -> Iterator[str]:
    """The currencies that the order's allocations and earlier invoices state."""
    for job in (*recorded.allocations, *recorded.invoices):
        stated = job.order.currency or (job.invoice.currency if job.invoice is not None else None)
        if stated is not None:
            yield stated


def _other_currency(order: FulfillmentOrder, currency: str, other: str, tenant: str) -> str:
    listed = f"lists the order in {currency}"
    if order.currency is None:
        listed = f"lists the order without a currency, so that it counts as {currency}"
    return (
        f"ShipperOne {listed} now, and listed it in {other} before: its amounts are in one of the two. Have ShipperOne "
        f"list one currency in both queues, or set its place in [tenants.{tenant}.fields.invoice]"
    )


def _held(order: FulfillmentOrder, sentence: str, sums: Figures) -> Problem:
    approve = f"`order approve {order.order_id} --total {sums.invoice_total} --note …`"
    return Problem(Reason.AMOUNT_UNEXPLAINED, f"{sentence}, or accept this sum by {approve}", Owner.ACCOUNTANT)


def _larger(order: FulfillmentOrder, sums: Figures) -> str:
    """A hint where the total may be that of a sales order with several fulfillment orders."""
    total, expected = order.total_incl_tax, sums.order_total
    if order.order_number is None or total is None or expected is None or total <= expected:
        return ""
    return f'; `order_total = "sales_order"` if it is the total of the whole sales order {order.order_number}'


def _unpriced(order: FulfillmentOrder, tenant: str, discount: Discount) -> Iterator[Problem]:
    for item in order.items:
        name = names([item])
        if item.row_total_incl_tax is None and item.price_incl_tax is None:
            yield _missing(tenant, Reason.PRICE_MISSING, f"price_incl_tax of {name}")
        elif discount == "off_row_net" and item.discount and item.tax_percent is None:
            why = f"tax_percent of {name}, by which {field_of(discount)} takes its discount of {item.discount:f} off"
            yield _missing(tenant, Reason.AMOUNT_UNEXPLAINED, why)


def _no_rates(order: FulfillmentOrder) -> Iterator[Problem]:
    for item in order.items:
        if item.tax_percent is not None and not 0 <= item.tax_percent <= RATE_AT_MOST:
            yield Problem(
                Reason.AMOUNT_UNEXPLAINED,
                f"the tax_percent of {names([item])} is {item.tax_percent:f}, and no rate of "
                f"tax is below 0 or above {RATE_AT_MOST} %. Have ShipperOne correct it, or set the place of the rate "
                "in [tenants.*.fields]",
                Owner.ACCOUNTANT,
            )


def _negative(order: FulfillmentOrder, total: Decimal, currency: str) -> str:
    return (
        f"the invoice comes to {total} {currency}: less than nothing is a credit note, which is never issued "
        "automatically. Have ShipperOne correct the amounts; if they are right, make the credit note in the ERP, then "
        f"run `order resolve {order.order_id} --outcome confirmed`"
    )


def _open(order: FulfillmentOrder, sums: Iterable[Difference], tenant: str) -> str:
    """The sentence for an order whose discount no proof settles, with the invoice's total by each reading."""
    discounted = [item for item in order.items if item.discount]
    named = ", ".join(f"{abs(item.discount or 0):f} on {names([item])}" for item in discounted[:3])
    more = f" and on {len(discounted) - 3} more" if len(discounted) > 3 else ""
    by = ", ".join(f"{each.ours} by `{each.field}`" for each in sums)
    return (
        f"it lists a discount of {named}{more}, and it is not proven whether its rows are before or after the "
        f"discount: the invoice comes to {by}. Set the right one in [tenants.{tenant}]: every order that is held for "
        "this then resumes automatically"
    )


def _too_fine(order: FulfillmentOrder, currency: str, settings: TenantRules, discount: Discount) -> Iterator[Problem]:
    """Amounts of the order that no invoice in its currency can state. A discount in the row is on no invoice."""
    amounts = {"shipping_amount_incl_tax": order.shipping_amount_incl_tax, "total_incl_tax": order.total_incl_tax}
    for item in order.items:
        amounts[f"row_total_incl_tax of {names([item])}"] = item.row_total_incl_tax
        if discount == "off_row":
            amounts[f"discount of {names([item])}"] = item.discount
    amounts.update({f"charge {charge.name}": charge.amount for charge in order.charges})
    # a unit of a currency without decimals would be much in the tenant's other currencies
    others = {settings.currency or currency, *settings.currencies} - {currency}
    for name, amount in amounts.items():
        if amount is not None and abs(amount - rounded(amount, currency)) > settings.tolerance:
            tolerance = f', or set `tolerance = "{enough(order, currency, settings, discount):f}"`'
            yield Problem(
                Reason.AMOUNT_UNEXPLAINED,
                f"the {name} is {amount:f}, and {decimals_in_words(currency)}: an invoice cannot state it, and it is "
                f"never rounded silently. Have the shop round it to {rounded(amount, currency)}, set another place in "
                f"[tenants.*.fields]{'' if others else tolerance}",
                Owner.ACCOUNTANT,
            )


def _missing(tenant: str, reason: Reason, what: str, also: str = "") -> Problem:
    return Problem(
        reason,
        f"ShipperOne does not state the {what}, and absent is not zero: if it is elsewhere in the order, set its "
        f"place in [tenants.{tenant}.fields]{also}",
        Owner.IT,
    )
