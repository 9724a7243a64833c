"""What the ledger keeps of one queue: when it was read, why it cannot be, and when its orders began to count."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listing, ReadFailed, Trouble
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.engine.clock import moved_queue
from shipperone_erp.engine.ports import QueueRecordPorts
from shipperone_erp.engine.upgrade_checks import RULES
from shipperone_erp.ledger.repository import Ledger

NOT_READ = {Trouble.UNAUTHORISED: Reason.PLATFORM_AUTH, Trouble.THROTTLED: Reason.PLATFORM_RATE_LIMITED}
"""What a queue that cannot be read waits for; for every other trouble `platform_unavailable`."""

TELL_EVERY = timedelta(minutes=1)
"""How often at least the ledger is told that a queue was read, if that is all there is to tell: a commit costs."""


class QueueKeeper:
    """Of one stage of one tenant, under its lease."""

    def __init__(self, context: QueueRecordPorts, ledger: Ledger, log: logging.Logger) -> None:
        self._context = context
        self._tenant, self._stage = context.settings.name, context.stage
        self._ledger = ledger
        self._log = log

    async def clock_was_set(self, by: timedelta, busy: Collection[str]) -> None:
        """What waits still waits for the rest of its time: nothing is given up early, or waits for an hour.

        The orders in `busy` are being worked on: their jobs follow the clock by themselves.
        """
        said = "%s %s: this machine's clock was set by %+.0f s; what waits is moved along"
        self._log.warning(said, self._tenant, self._stage, by.total_seconds())
        living = await asyncio.to_thread(self._ledger.living_jobs, self._tenant, self._stage)
        await asyncio.gather(*(self._move_along(job, by) for job in living if job.order_id not in busy))
        record = await asyncio.to_thread(self._ledger.queue, self._tenant, self._stage)
        if record is not None:
            self._context.effect_log.queue(moved_queue(record, by))
        await self._context.effect_log.flushed()

    async def _move_along(self, job: Job, by: timedelta) -> None:
        if await self._context.effect_log.claim([job]):  # else a person has just acted on it, by the clock as it is now
            self._context.effect_log.save(job.moved(by))
            self._context.effect_log.release([job])

    async def not_read(self, failure: ReadFailed) -> None:
        """Nothing can be done until the queue is read again: `status` shows why. A refused token pauses the tenant."""
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

    def read_well(self, listing: Listing, record: QueueRecord) -> None:
        """The queue was read whole, and nothing pauses it any more."""
        live_at = record.live_at
        if live_at is None and (self._context.settings.go_live == "now" or not (listing.orders or listing.unreadable)):
            live_at = listing.began_at
        told = record.last_good_read_at
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
        recent = told is not None and timedelta(0) <= listing.began_at - told < TELL_EVERY
        if not recent or replace(now, last_good_read_at=told) != record:
            self._context.effect_log.queue(now)
