"""Checks of a job's order, other than those of its amounts, before its invoice is built."""

from shipperone_erp.domain.invoice_checks.unlisted_parties import undecided_party
from shipperone_erp.domain.line_selection import lost_by
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Step
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.interruptions import HoldJob


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
