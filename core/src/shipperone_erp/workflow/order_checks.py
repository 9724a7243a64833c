"""Checks of a job's order before its invoice is built: its rows, its parties, its amounts."""

from shipperone_erp.domain.amounts.approved_totals import approved_total
from shipperone_erp.domain.invoice_checks.open_questions import undecided_party
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.invoice_checks.remainder import unexplained
from shipperone_erp.domain.invoice_checks.stated_amounts import problem
from shipperone_erp.domain.line_selection import lost_by
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.recorded_jobs import Recorded
from shipperone_erp.domain.states import Step
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.interruptions import HoldJob, RetryLater


def check_bundles(execution: JobExecution) -> None:
    """Hold the job if its invoiced rows are unclear, or if a price would be lost with the other rows."""
    unclear = execution.goods.unclear or execution.goods.incomplete
    if unclear:
        raise HoldJob(Reason.BUNDLE_UNCLEAR, unclear, Owner.IT)
    settings = execution.ports.settings
    lost = lost_by(execution.listed, settings, execution.known.known, execution.currency(), settings.tolerance)
    if lost:
        raise HoldJob(Reason.BUNDLE_UNCLEAR, lost, Owner.ACCOUNTANT)


def check_parties(execution: JobExecution) -> None:
    """Hold a job without a document whose buyer or delivery address only the allocation lists."""
    made, settings = execution.known.made, execution.ports.settings
    found = undecided_party(execution.order, made, settings) if execution.job.step is Step.NEW else None
    if found is not None:
        raise HoldJob(found.reason, found.sentence, found.owner, found.differences)


def check_amounts(execution: JobExecution) -> None:
    """Hold the job if the order's amounts are incomplete, unexplained, or were invoiced before."""
    recorded = execution.ports.recorded(execution.listed)
    found = _of_case(execution, recorded)
    if found is not None:
        raise HoldJob(found.reason, found.sentence, found.owner, found.differences)
    if recorded.unsettled and _of_case(execution, recorded.as_if_settled()) is not None:
        orders = ", ".join(dict.fromkeys(job.order_id for job in recorded.unsettled))
        raise RetryLater(
            Reason.OUTCOME_UNKNOWN,
            f"order {orders} of the same sales order {execution.order.order_number} may have been confirmed, and its "
            "answer was lost: this order is invoiced once that outcome is known",
            until=execution.later(execution.ports.settings.settle.total_seconds()),
            counts=False,
        )


def total_is_of_more(execution: JobExecution) -> bool:
    """The listing does not come to its own total, but may be invoiced: its total includes other fulfillment orders.

    Only for a job whose amounts were checked: the tenant's `order_total` allows it, or an operator has accepted its
    sum.
    """
    return unexplained(execution.order, execution.currency(), execution.ports.settings, execution.discount) is not None


def _of_case(execution: JobExecution, recorded: Recorded) -> Problem | None:
    """The problem of the amounts; that of the last check, while everything that it depends on is unchanged.

    An invoice is checked three times, and nearly always nothing else of its order was recorded in between.
    """
    basis = (execution.order, recorded, execution.job.part, approved_total(execution.job))
    if execution.amounts_checked is None or execution.amounts_checked[0] != basis:
        order, recorded, part, approved = basis
        found = problem(
            order,
            execution.ports.settings,
            part=part,
            earlier=recorded.invoices,
            allocated=execution.allocated_if_discounted,
            recorded=recorded,
            approved=approved,
        )
        execution.amounts_checked = basis, found
    return execution.amounts_checked[1]
