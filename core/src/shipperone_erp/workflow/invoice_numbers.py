"""Checks that an invoice number is used once: an ERP restored from a backup may assign numbers a second time."""

from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.interruptions import HoldJob


async def check_number(execution: JobExecution) -> None:
    """Hold the job if the ledger records its number for another invoice in the same ERP."""
    number = execution.job.number
    if number is None or not number.strip():  # several invoices may be without a number
        return
    other = await execution.ports.holder_of_number(number, execution.job)
    if other is not None:
        whose = f"order {other.order_id}" + (f" of {other.tenant}" if other.tenant != execution.job.tenant else "")
        raise HoldJob(
            Reason.NUMBER_REUSED,
            f"the invoice of order {execution.job.order_id} has the number {execution.job.number}, and so has that of "
            f"{whose} ({other.key}): was the ERP restored from a backup? One of the two needs another number",
            Owner.ACCOUNTANT,
        )
