"""What an order must say before an invoice of it is built. Absent is never zero, and nothing is rounded silently.

Pure but for `check_amounts`: `doctor` and a dry run ask the same questions as the flow.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp.config import TenantSettings
from shipperone_erp.ledger.records import Job
from shipperone_erp.model.currency import decimals_in_words, rounded
from shipperone_erp.model.order import FulfillmentOrder
from shipperone_erp.reasons import Owner, Reason
from shipperone_erp.stages.case import Case, Hold
from shipperone_erp.stages.figures import figures
from shipperone_erp.stages.remainder import unexplained


@dataclass(frozen=True, slots=True)
class Problem:
    """Why no invoice of an order can be built now."""

    reason: Reason
    sentence: str
    owner: Owner


def check_amounts(case: Case) -> None:
    """Hold the job if the order's amounts are not whole, not explained, or were invoiced before."""
    found = problem(
        case.order, case.desk.settings, part=case.job.part, earlier=case.desk.accepted_before(case.job.order_id)
    )
    if found is not None:
        raise Hold(found.reason, found.sentence, found.owner)


def problem(order: FulfillmentOrder, settings: TenantSettings, *, part: bool, earlier: Iterable[Job]) -> Problem | None:
    """The first thing that stands against an invoice of this order; None if nothing does.

    `part`: the ledger shows that this is a part of a larger order, whose total then says nothing of it. `earlier` are
    the order's invoices that ShipperOne has accepted.
    """
    return next(_problems(order, settings, part, earlier), None)


def _problems(
    order: FulfillmentOrder, settings: TenantSettings, part: bool, earlier: Iterable[Job]
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
    if order.shipping_amount_incl_tax is None:
        yield _missing(tenant, Reason.SHIPPING_MISSING, "shipping_amount_incl_tax")
    lines = figures(order, currency, settings.discount).lines
    for item in order.items:
        if lines[item.item_id] is None:
            yield _missing(tenant, Reason.PRICE_MISSING, f"price_incl_tax of item {item.item_id} ({item.sku})")
    yield from _too_fine(order, currency, settings.tolerance)
    if not part:
        sentence = unexplained(order, currency, settings)
        if sentence:
            yield Problem(Reason.AMOUNT_UNEXPLAINED, sentence, Owner.ACCOUNTANT)
    if settings.shipping_on_parts == "hold":
        yield from _repeated(order, tenant, earlier)


def _too_fine(order: FulfillmentOrder, currency: str, tolerance: Decimal) -> Iterator[Problem]:
    """Amounts of the order that no invoice in its currency can state."""
    amounts = {"shipping_amount_incl_tax": order.shipping_amount_incl_tax, "total_incl_tax": order.total_incl_tax}
    for item in order.items:
        amounts[f"row_total_incl_tax of item {item.item_id} ({item.sku})"] = item.row_total_incl_tax
        amounts[f"discount of item {item.item_id} ({item.sku})"] = item.discount
    amounts.update({f"charge {charge.name}": charge.amount for charge in order.charges})
    for name, amount in amounts.items():
        if amount is not None and abs(amount - rounded(amount, currency)) > tolerance:
            yield Problem(
                Reason.AMOUNT_UNEXPLAINED,
                f"the {name} is {amount:f}, and {decimals_in_words(currency)}: no invoice can state it, and it is not "
                f"rounded silently. Have the shop round it to {rounded(amount, currency)}, name another place in "
                "[tenants.*.fields], or set a `tolerance`",
                Owner.ACCOUNTANT,
            )


def _repeated(order: FulfillmentOrder, tenant: str, earlier: Iterable[Job]) -> Iterator[Problem]:
    """What this part lists and an earlier invoice of the order has carried already."""
    for job in earlier:
        before = job.order
        carried = []
        shipping = order.shipping_amount_incl_tax
        if shipping and shipping == before.shipping_amount_incl_tax:
            carried.append(f"the shipping of {shipping}")
        carried += [
            f"the charge {charge.name} of {charge.amount}"
            for charge in order.charges
            if charge.kind == "line" and charge in before.charges
        ]
        if carried:
            yield Problem(
                Reason.SHIPPING_REPEATED,
                f"invoice {job.number or job.reference or job.key} of an earlier part of this order carried "
                f"{' and '.join(carried)} already: have ShipperOne list it on one part only, or, if every part is "
                f'charged so, set `shipping_on_parts = "as_listed"` in [tenants.{tenant}]',
                Owner.ACCOUNTANT,
            )


def _missing(tenant: str, reason: Reason, what: str, also: str = "") -> Problem:
    return Problem(
        reason,
        f"ShipperOne does not say the {what}, and absent is not zero: if it stands elsewhere in the order, name the "
        f"place in [tenants.{tenant}.fields]{also}",
        Owner.IT,
    )
