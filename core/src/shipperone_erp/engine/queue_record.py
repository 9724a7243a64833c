"""The ledger's record of one queue: when it was read, why it cannot be read, and when its go-live was."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from shipperone_erp.domain.job import Job, moved
from shipperone_erp.domain.listing import Listing, ReadFailed, Trouble
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.engine.cycle_ports import CyclePorts
from shipperone_erp.engine.upgrade_checks import RULES
from shipperone_erp.ledger.repository import Ledger

NOT_READ = {Trouble.UNAUTHORISED: Reason.PLATFORM_AUTH, Trouble.THROTTLED: Reason.PLATFORM_RATE_LIMITED}
"""The reason for a queue that cannot be read; for every other trouble it is `platform_unavailable`."""

REPORT_EVERY = timedelta(minutes=1)
"""The longest time without a write if a successful read is the only news: a commit costs."""


class QueueKeeper:
    """The record of one stage of one tenant, under its lease."""

    def __init__(self, context: CyclePorts, ledger: Ledger, log: logging.Logger) -> None:
        self._context = context
        self._tenant, self._stage = context.settings.name, context.stage
        self._ledger = ledger
        self._log = log

    async def clock_was_set(self, by: timedelta, busy: Collection[str]) -> None:
        """Move all intervals along with the clock: no job waits less or longer than its remaining time.

        The orders in `busy` are being worked on: their jobs follow the clock by themselves.
        """
        message = "%s %s: this machine's clock was changed by %+.0f s; the times of waiting jobs are adjusted"
        self._log.warning(message, self._tenant, self._stage, by.total_seconds())
        living = await asyncio.to_thread(self._ledger.living_jobs, self._tenant, self._stage)
        await asyncio.gather(*(self.move_along(job, by) for job in living if job.order_id not in busy))
        record = await asyncio.to_thread(self._ledger.queue, self._tenant, self._stage)
        if record is not None:
            read_at = moved(record.last_good_read_at, by)  # from which intervals are counted
            self._context.effect_log.queue(replace(record, last_good_read_at=read_at))
        await self._context.effect_log.flushed()

    async def move_along(self, job: Job, by: timedelta) -> None:
        """Move this job's times along with the clock, unless it has changed since."""
        if await self._context.effect_log.claim([job]):  # else an operator has just acted on it, by the new clock
            self._context.effect_log.save(job.moved(by))
            self._context.effect_log.release([job])

    async def not_read(self, failure: ReadFailed) -> None:
        """Record that the queue cannot be read: `status` shows the reason. A refused token pauses the tenant."""
        if failure.trouble is Trouble.UNAUTHORISED:
            self._context.queue_refused(failure.sentence)
        record = await asyncio.to_thread(self._ledger.queue, self._tenant, self._stage)
        record = record or QueueRecord(tenant=self._tenant, stage=self._stage)
        self._context.effect_log.queue(
            replace(
                record,
                paused_reason=NOT_READ.get(failure.trouble, Reason.PLATFORM_UNAVAILABLE),
                paused_sentence=failure.sentence,
                paused_at=record.paused_at or self._context.now(),
            )
        )
        await self._context.effect_log.flushed()

    def read_well(self, listing: Listing, record: QueueRecord) -> QueueRecord:
        """Record a complete read of the queue, which ends any earlier trouble. Returns the record in the ledger now."""
        live_at = record.live_at
        if live_at is None and (self._context.settings.go_live == "now" or not (listing.orders or listing.unreadable)):
            live_at = listing.began_at
        now = replace(
            record,
            first_read_at=record.first_read_at or listing.began_at,
            live_at=live_at,
            last_good_read_at=listing.began_at,
            paused_reason=None,
            paused_sentence=None,
            paused_at=None,
            rules=max(record.rules, RULES),
        )
        if _recent(listing, record) and replace(now, last_good_read_at=record.last_good_read_at) == record:
            return record
        self._context.effect_log.queue(now)
        return now

    def read_again(self, listing: Listing, record: QueueRecord) -> QueueRecord:
        """The same where the read has shown nothing new. Only its time is written: an operator's change stays."""
        if _recent(listing, record):
            return record
        self._context.effect_log.queue_read(record, listing.began_at)
        return replace(record, last_good_read_at=listing.began_at)


def _recent(listing: Listing, record: QueueRecord) -> bool:
    recorded_at = record.last_good_read_at
    return recorded_at is not None and timedelta(0) <= listing.began_at - recorded_at < REPORT_EVERY
