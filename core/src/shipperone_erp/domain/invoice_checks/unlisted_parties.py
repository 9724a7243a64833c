"""Holds an invoice whose buyer or delivery address only the allocation lists, until `unlisted_parties` decides."""

from collections.abc import Iterable

from shipperone_erp.domain.allocated_parties import unclear_party
from shipperone_erp.domain.hook_requests import Difference
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.rules import TenantRules

PARTIES = ("billing", "shipping")


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


def rule_is_set(job: Job, rule: str | None) -> bool:
    """The job is held, before any document was made, for a question that `unlisted_parties` now decides."""
    held = job.held_at_start(Reason.CUSTOMER_AMBIGUOUS)
    return held and rule is not None and any(each.field in PARTIES for each in job.differences)
