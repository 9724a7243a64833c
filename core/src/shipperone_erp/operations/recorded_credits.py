"""`order credited`: records a credit note, made in the ERP, against the invoice that it credits.

Nothing is sent to ShipperOne or the ERP. Jobs that were held because the invoices of the order, or of its sales order,
exceeded its total are resumed.
"""

from datetime import datetime

from shipperone_erp.domain.amounts.expected_totals import figures
from shipperone_erp.domain.job import CreditNote, Job
from shipperone_erp.domain.money import decimals_in_words, rounded
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.job_actions import retry, steer


def can_be_credited(job: Job) -> bool:
    """Whether it is an invoice that ShipperOne has accepted."""
    return job.stage is Stage.INVOICE and job.accepted


def credited(
    ledger: Ledger, job: Job, now: datetime, note: str | None, *, credit: CreditNote, currency: str | None
) -> list[Job]:
    """Record the credit note; returns the resumed jobs. UsageError if it does not fit this invoice, or is recorded."""
    stated = (job.invoice.currency if job.invoice else None) or job.order.currency or currency
    if credit.amount <= 0 or credit.amount != rounded(credit.amount, stated):
        raise UsageError(f"--amount {credit.amount:f} is not an amount above zero; {decimals_in_words(str(stated))}")
    if any(known.number == credit.number for known in job.credits):
        raise UsageError(f"{job.key}: credit note {credit.number} is recorded already")
    total = job.invoice.total_incl_tax if job.invoice else None
    if total is None:  # the ERP stated none: the listed amounts, before any discount that may be taken off
        total = figures(job.order, stated, "in_row").invoice_total
    if total is not None and job.credited + credit.amount > total:
        already = f", and {job.credited:f} is credited already" if job.credits else ""
        raise UsageError(
            f"{job.key}: the total of invoice {job.number} is {total:f}{already}; {credit.amount:f} is too much"
        )
    steer(ledger, job, job.credit_recorded(credit), f"credited {credit.number} {credit.amount:f}", now, note)
    resumed = [one for one in _beside(ledger, job) if _held_for_its_sum(one)]
    for one in resumed:
        retry(ledger, one, now, f"credit note {credit.number} against {job.number or job.key} was recorded")
    return resumed


def _beside(ledger: Ledger, job: Job) -> list[Job]:
    own = ledger.jobs_of_orders(job.tenant, Stage.INVOICE, [job.order_id])
    if job.order_number is None:
        return own
    others = ledger.jobs_of_sales_orders(job.tenant, {job.order_id: job.order_number})
    return list({one.id: one for one in (*own, *others)}.values())


def _held_for_its_sum(job: Job) -> bool:
    held = job.stage is Stage.INVOICE and job.state is State.HELD and job.reason is Reason.AMOUNT_UNEXPLAINED
    return held and not job.accepted
