"""Shipped orders that are not invoiced within the tenant's time."""

from datetime import datetime, timedelta

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage, State


def overdue(job: Job, within: timedelta, now: datetime) -> bool:
    """The order has been listed as shipped for that long, and is neither invoiced nor ignored by an operator."""
    waits = job.stage is Stage.INVOICE and not job.ended and job.state is not State.IGNORED
    return waits and now - job.first_listed_at >= within and not (job.invoice and job.invoice.issued and job.accepted)
