"""The effect log of a stage: writes to the ledger under one lease, in order, grouped with other stages' commits."""

import asyncio
from collections.abc import Collection, Sequence
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
    Entry,
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
        self._gathered: list[Entry] = []
        self._put = 0
        self._ended = 0
        self._changes = 0
        self._last_change = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self.failure: BaseException | None = None

    @property
    def written(self) -> int | None:
        """The number of writes to jobs so far; None while one of them is not committed, or after a failure."""
        under_way = self._last_change > self._ended
        return None if under_way or self.failure is not None else self._changes

    def _write(self, *writes: Write) -> Entry:
        entry = self._queued(*writes)
        self._last_change = self._put
        self._changes += 1
        return entry

    def _queued(self, *writes: Write) -> Entry:
        """Queue writes that are committed together: with all others of this turn of the loop, in their order."""
        if self.failure is not None:
            raise self.failure
        if not self._gathered:
            asyncio.get_running_loop().call_soon(self._submit)
        entry = Entry(writes, self._lease)
        self._gathered.append(entry)
        self._put += 1
        return entry

    def _submit(self) -> None:
        """Hand what was gathered to the writer, which reports the end of all at once."""
        entries, self._gathered = self._gathered, []
        inbox = LoopInbox.of_running_loop()
        try:
            self._ledger.submit(entries, lambda entries: inbox.put(partial(self._settled, entries)))
        except LedgerError as closed:
            for entry in entries:
                entry.settle(closed)
            self._settled(entries)

    def _settled(self, entries: Sequence[Entry]) -> None:
        """Entries end in the order in which they were written."""
        self._ended += len(entries)
        for entry in entries:
            # a claim fails alone, by its own rule
            if entry.error is not None and self.failure is None and not isinstance(entry.writes[0], ClaimJob):
                self.failure = entry.error
        waiting, self._waiting = self._waiting, []
        for number, waiter in waiting:
            if number > self._ended:
                self._waiting.append((number, waiter))
            elif not waiter.done():
                waiter.set_result(None)

    async def _all_ended(self) -> None:
        """Returns once everything written so far is committed or has failed."""
        if self._ended < self._put:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((self._put, waiter))
            await waiter

    async def record_intent(
        self, job: Job, kind: EffectKind, *, request: str | None = None, alone: bool = False
    ) -> Effect:
        """See `workflow.ports.EffectLog`."""
        effect = Effect(
            id=new_id(), job_id=job.id, kind=kind, key=job.key, intent_at=self._time.now(), request=request, alone=alone
        )
        entry = self._write(UpdateJob(job), RecordIntent(effect))
        await self._all_ended()
        if entry.error is not None:
            raise entry.error
        if self.failure is not None:
            raise self.failure  # an earlier write of this stage is missing: this effect must not begin
        self._begun[effect.id] = job, self._time.monotonic()
        return effect

    def record_outcome(self, effect: Effect, outcome: Outcome, answer: str | None, job: Job | None = None) -> None:
        """See `workflow.ports.EffectLog`."""
        ended = RecordOutcome(effect.id, outcome, self._time.now(), answer)
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
        entry = self._queued(*map(ClaimJob, jobs))
        await self._all_ended()
        if isinstance(entry.error, WriteRefused):
            return False
        if entry.error is not None:
            raise entry.error
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
        await self._all_ended()
        if self.failure is not None:
            raise self.failure
