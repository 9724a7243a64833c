"""Decides when a job is tried again.

After a failure the delay doubles with each failed attempt, from one second to five minutes, with jitter. A delay that
ShipperOne or the ERP has asked for replaces it. A shortage of stock has a slow schedule of its own, `stock_retry`; its
attempts do not lengthen the delay after a later failure, because the ERP has answered.
"""

from datetime import datetime, timedelta

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.rules import TenantRules
from shipperone_erp.kernel.backoff import Backoff

FAILURES = Backoff(timedelta(seconds=1), timedelta(minutes=5))

SHORTEST = timedelta(seconds=0.05)


def next_attempt(job: Job, now: datetime, requested: float | None = None) -> datetime:
    """After the requested delay in seconds, or else after the back-off of the job's failed attempts."""
    if requested is None:
        return now + FAILURES.delay(failed_attempts(job))
    return now + max(timedelta(seconds=requested), SHORTEST)


def after_shortage(now: datetime, rules: TenantRules) -> datetime:
    """The time at which the ERP is asked for the stock again."""
    return now + max(rules.stock_retry, SHORTEST)


def failed_attempts(job: Job) -> int:
    """The attempts that failed; a shortage is not a failure."""
    return 0 if job.reason is Reason.NOT_ENOUGH_STOCK else job.attempts
