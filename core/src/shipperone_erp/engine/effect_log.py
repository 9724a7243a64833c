"""The effect log of a stage: writes to the ledger under one lease, in order, grouped with other stages' commits."""

import asyncio
from collections.abc import Collection
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from functools import partial

from shipperone_erp.domain.events import StepEnded
from shipperone_erp.domain.ids import new_id
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import Effect, Lease, QueueRecord
from shipperone_erp.domain.states import EffectKind, Outcome, Stage
from shipperone_erp.engine.observers.registry import Observers
from shipperone_erp.kernel.errors import LedgerError
from shipperone_erp.kernel.loop_inbox import LoopInbox
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.ledger.database_errors import WriteRefused
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.ledger.unit_of_work import (
    ClaimJob,
    InsertJob,
    QueueRead,
    RecordIntent,
    RecordOutcome,
    ReleaseAllJobs,
    ReleaseJob,
    Restamp,
    SaveQueue,
    UpdateJob,
    Write,
)


class StageEffectLog:
    """The `EffectLog` of `workflow.ports`. A failed write fails every later one: nothing is recorded partially."""

    def __init__(self, ledger: Ledger, lease: Lease, time: TimeSource, events: Observers | None = None) -> None:
        self._ledger = ledger
        self._lease = lease
        self._time = time
        self._events = events or Observers()
        self._begun: dict[int, tuple[Job, float]] = {}
        self._last: Future[None] | None = None
        self._changes = 0
        self._last_change: Future[None] | None = None
        self._inbox: LoopInbox | None = None
        self.failure: BaseException | None = None

    @property
    def written(self) -> int | None:
        """The number of writes to jobs so far; None while one of them is not committed, or after a failure."""
        under_way = self._last_change is not None and not self._last_change.done()
        return None if under_way or self.failure is not None else self._changes

    def _write(self, *writes: Write) -> Future[None]:
        self._last_change = self._queued(*writes)
        self._changes += 1
        return self._last_change

    def _queued(self, *writes: Write) -> Future[None]:
        if self.failure is not None:
            raise self.failure
        future = self._ledger.write(*writes, lease=self._lease)
        future.add_done_callback(self._check)
        self._last = future
        return future

    def _check(self, future: Future[None]) -> None:
        error = future.exception()
        if error is not None and self.failure is None:
            self.failure = error

    async def _ended(self, write: Future[None]) -> None:
        """Returns once the write is committed or has failed."""
        if write.done():
            return
        if self._inbox is None:
            self._inbox = LoopInbox(asyncio.get_running_loop())
        ended = asyncio.get_running_loop().create_future()
        write.add_done_callback(partial(self._woken, self._inbox, ended))
        await ended

    @staticmethod
    def _woken(inbox: LoopInbox, ended: "asyncio.Future[None]", write: Future[None]) -> None:
        inbox.put(lambda: None if ended.done() else ended.set_result(None))

    async def record_intent(
        self, job: Job, kind: EffectKind, *, request: str | None = None, alone: bool = False
    ) -> Effect:
        """See `workflow.ports.EffectLog`."""
        effect = Effect(
            id=new_id(), job_id=job.id, kind=kind, key=job.key, intent_at=self._time.now(), request=request, alone=alone
        )
        write = self._write(UpdateJob(job), RecordIntent(effect))
        await self._ended(write)
        write.result()
        if self.failure is not None:
            raise self.failure  # an earlier write of this stage is missing: this effect must not begin
        self._begun[effect.id] = job, self._time.monotonic()
        return effect

    def record_outcome(self, effect: Effect, outcome: Outcome, answer: str | None, job: Job | None = None) -> None:
        """See `workflow.ports.EffectLog`."""
        ended = RecordOutcome(effect.id, outcome, self._time.now(), answer, effect.kind)
        self._write(*([ended] if job is None else [ended, UpdateJob(job)]))
        if (begun := self._begun.pop(effect.id, None)) is not None:
            of, at = begun
            took = self._time.monotonic() - at
            self._events.publish(StepEnded(of, effect.kind, outcome, effect.intent_at, took))

    def insert(self, job: Job) -> None:
        """See `workflow.ports.EffectLog`."""
        self._write(InsertJob(job))

    def save(self, job: Job) -> None:
        """See `workflow.ports.EffectLog`."""
        self._write(UpdateJob(job))

    def restamp(self, job: Job) -> None:
        """See `workflow.ports.EffectLog`."""
        self._write(Restamp(job))

    async def claim(self, jobs: Collection[Job]) -> bool:
        """Claim these jobs until `release`. False, and nothing is claimed, if one was changed.

        Between planning and the first write an operator may have acted on them. LeaseLost or LedgerError as elsewhere.
        """
        if self.failure is not None:
            raise self.failure
        try:
            write = self._ledger.write(*map(ClaimJob, jobs), lease=self._lease)
            await self._ended(write)
            write.result()
        except WriteRefused:
            return False
        return True

    def release(self, jobs: Collection[Job]) -> None:
        """Release claimed jobs, after all writes to them. A failed release is repeated at the next recovery."""
        if self.failure is None:
            with suppress(LedgerError):
                self._write(*(ReleaseJob(job.id) for job in jobs))

    def release_all(self, tenant: str, stage: Stage) -> None:
        """Release all jobs of this stage that an earlier process had claimed."""
        self._write(ReleaseAllJobs(tenant, stage))

    def queue(self, record: QueueRecord) -> None:
        """Record the state of the queue; committed no later than the next intent."""
        self._queued(SaveQueue(record))

    def queue_read(self, record: QueueRecord, at: datetime) -> None:
        """Record only that the queue was read completely at that time. Does nothing if the record has changed."""
        self._queued(QueueRead(record, at))

    async def flushed(self) -> None:
        """Returns once everything written so far is committed; LeaseLost or LedgerError if a write failed."""
        if self._last is not None:
            await self._ended(self._last)
        if self.failure is not None:
            raise self.failure
