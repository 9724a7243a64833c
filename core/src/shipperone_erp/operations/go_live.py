"""`go-live`: an operator decides whether orders listed before a tenant's go-live are processed or ignored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.domain.set_aside import of_unnamed
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.actors import new_action
from shipperone_erp.operations.job_actions import steer


@dataclass(frozen=True, slots=True)
class BeforeGoLive:
    """One queue before a tenant's go-live: the number of held jobs, the oldest one, whether it was ever read."""

    stage: Stage
    held: int
    oldest: Job | None
    read: bool
    live: bool

    def words(self) -> str:
        """The state of the queue as a sentence for operators."""
        if not self.read:
            return "never read; `shipperone-erp run --once` reads it and holds the listed orders"
        if self.oldest is None:
            return "live, no order is held" if self.live else "no order is held"
        order = self.oldest.order
        ordered = f", ordered {order.ordered_at:%Y-%m-%d}" if order.ordered_at else ""
        return f"{self.held} order(s) are listed and held, the oldest {order.order_id}{ordered}"


def before_go_live(ledger: Ledger, tenant: str, stages: Sequence[Stage]) -> list[BeforeGoLive]:
    """The jobs that `go_live` would decide about, queue by queue."""
    found = []
    for stage in stages:
        record = ledger.queue(tenant, stage)
        held = ledger.find_jobs(tenant=tenant, stage=stage, states=[State.HELD], reason=Reason.BEFORE_GO_LIVE)
        oldest = min(held, key=lambda job: (job.order.ordered_at or job.first_listed_at, job.id), default=None)
        read, live = (record.first_read_at is not None, record.live_at is not None) if record else (False, False)
        found.append(BeforeGoLive(stage, len(held), oldest, read, live))
    return found


def go_live(
    ledger: Ledger, tenant: str, stages: Sequence[Stage], now: datetime, note: str | None = None, *, from_now: bool
) -> list[Job]:
    """Resume (or, with `from_now`, ignore) the jobs listed before this tenant's go-live. May be called again.

    The decision is recorded as an action on the tenant, and one on each of these jobs.

    UsageError with `from_now` if a queue was never read, or lists an order without a readable id: it is not known which
    orders are listed.
    """
    records = {stage: ledger.queue(tenant, stage) or QueueRecord(tenant=tenant, stage=stage) for stage in stages}
    unread = [stage for stage, record in records.items() if record.first_read_at is None]
    if from_now and unread:
        raise UsageError(
            f"{tenant}: the queue of {unread[0]} was never read, so the orders that are listed now "
            f"are unknown; `shipperone-erp run --once --tenant {tenant}` reads it and holds them"
        )
    waiting = [
        job
        for job in ledger.find_jobs(tenant=tenant, states=[State.HELD], reason=Reason.BEFORE_GO_LIVE)
        if job.stage in records
    ]
    unnamed = [job for job in waiting if of_unnamed(job)]
    if from_now and unnamed:
        raise UsageError(
            f"{tenant}: {len(unnamed)} order(s) are listed without a readable id, so it is not known which orders are "
            f"to be ignored. Set `order_id` in [tenants.{tenant}.fields], then read the queue again. First: "
            f"{unnamed[0].sentence}"
        )
    what = "go-live --from-now" if from_now else "go-live --all"
    for job in waiting:
        if from_now:
            steer(ledger, job, job.ignored(now), what, now, note)
        else:
            release(ledger, job, what, now, note)
    for record in records.values():
        ledger.save_queue(replace(record, live_at=record.live_at or now))
    ledger.act(new_action(what, tenant, now, note))
    return waiting


def release(ledger: Ledger, job: Job, what: str, now: datetime, note: str | None = None) -> None:
    """Resume one order that was listed before the go-live. UsageError if it has changed since it was read."""
    steer(ledger, job, job.taken_up(now), what, now, note)
