"""Rates of tax below one: 0.21 is 0.21 % or, as a fraction, 21 %, and `tax_rates` decides it. It is never guessed."""

from decimal import Decimal

from shipperone_erp.domain.bundles import names
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.domain.reasons import Reason

RATE = "tax_percent"


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


def unit_is_set(job: Job, tax_rates: str | None) -> bool:
    """The job is held, before any document was made, for a question that the tenant's `tax_rates` now decides."""
    held = job.held_at_start(Reason.AMOUNT_UNEXPLAINED)
    return held and tax_rates is not None and any(each.field.endswith(f"].{RATE}") for each in job.differences)
