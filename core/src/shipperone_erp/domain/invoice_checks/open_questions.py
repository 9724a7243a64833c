"""Questions about an order that only a setting of the tenant decides; nothing is guessed, and its invoice is held.

tax_rates          a rate below one: 0.21 is 0.21 % or, as a fraction, 21 %
unlisted_parties   a buyer or a delivery address that only the allocation lists
discount           rows before or after their discount; see `discount_readings`
"""

from collections.abc import Iterable
from decimal import Decimal

from shipperone_erp.domain.allocated_parties import unclear_party
from shipperone_erp.domain.amounts.discount_readings import field_of
from shipperone_erp.domain.bundles import names
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.rules import TenantRules

RATE = "tax_percent"
PARTIES = ("billing", "shipping")


def unclear_rate(order: FulfillmentOrder) -> OrderItem | None:
    """The first item whose rate may be a percentage or a fraction; None if there is none."""
    return next((item for item in order.items if item.tax_percent is not None and 0 < item.tax_percent < 1), None)


def in_words(item: OrderItem, tenant: str) -> str:
    """What is unclear of this item's rate, and the settings of which one decides it."""
    rate = item.tax_percent or Decimal(0)
    return (
        f"the {RATE} of {names([item])} is {rate:f}, which is {rate:f} % or, as a fraction, "
        f'{plain(100 * rate)} %. Set `tax_rates = "percent"` or `tax_rates = "fraction"` in [tenants.{tenant}]'
    )


def of_unit(item: OrderItem) -> Difference:
    """The listed rate, beside which no invoice has one yet."""
    return Difference(f"items[{item.item_id}].{RATE}", None, plain(item.tax_percent) if item.tax_percent else None)


def undecided_party(order: FulfillmentOrder, allocations: Iterable[Job], settings: TenantRules) -> Problem | None:
    """The order lacks a party of its allocation for which it matters; None if not, or if the tenant's rule decides."""
    if settings.unlisted_parties is not None or (name := unclear_party(order, allocations)) is None:
        return None
    what = "billing party" if name == "billing" else "delivery address"
    return Problem(
        Reason.CUSTOMER_AMBIGUOUS,
        f"the allocation of this order lists a {what} (`{name}`), and pending_invoice lists none: it was removed, or "
        f'this queue does not list it. Set `unlisted_parties = "none"` or `unlisted_parties = "allocation"` in '
        f"[tenants.{settings.name}]: every order that is held for this then resumes automatically",
        Owner.ACCOUNTANT,
        (Difference(name, None, None),),
    )


def decided(job: Job, rules: TenantRules) -> bool:
    """The job is held, before any document was made, for a question that the tenant's settings decide by now."""
    asked = [each.field for each in job.differences]
    if job.held_at_start(Reason.CUSTOMER_AMBIGUOUS):
        return rules.unlisted_parties is not None and any(field in PARTIES for field in asked)
    if not job.held_at_start(Reason.AMOUNT_UNEXPLAINED):
        return False
    by_rate = rules.tax_rates is not None and any(field.endswith(f"].{RATE}") for field in asked)
    return by_rate or (rules.discount is not None and field_of(rules.discount) in asked)
