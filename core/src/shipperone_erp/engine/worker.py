"""`run` as a service: a worker for every stage of every tenant, until shutdown."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from datetime import timedelta

from shipperone_erp.domain.events import CycleEnded
from shipperone_erp.domain.hook_answers import ConnectorError
from shipperone_erp.domain.listing import ReadFailed, Trouble
from shipperone_erp.domain.records import Pause
from shipperone_erp.domain.states import Stage
from shipperone_erp.engine.cycle import StageCycle
from shipperone_erp.engine.selection import Selection
from shipperone_erp.engine.tenant import Shared, TenantRuntime
from shipperone_erp.kernel.backoff import Backoff, spread
from shipperone_erp.kernel.errors import LeaseLost, LedgerError, ShipperOneErpError
from shipperone_erp.ledger.database_errors import LedgerReplaced

LONGEST_WAIT = timedelta(minutes=2)
"""The longest time between two attempts while ShipperOne, the ERP or the ledger cannot be reached."""

FAILURES = Backoff(timedelta(seconds=1), LONGEST_WAIT)

STOP_WITHIN = 25.0
"""Seconds for work under way to reach its next recorded point: shutdown takes less than 30 in total."""


LOG = logging.getLogger("shipperone_erp.run")


class StageWorker:
    """Serves one stage of one tenant: takes its lease, runs its cycles, and starts over after any internal error."""

    def __init__(
        self,
        tenant: TenantRuntime,
        stage: Stage,
        shared: Shared,
        *,
        process_stopping: asyncio.Event,
        stopping: asyncio.Event,
    ) -> None:
        """`process_stopping`: this process ends. `stopping`: the tenant moves to another process, or this one ends."""
        self._tenant = tenant
        self._stage = stage
        self._keeper = shared.keeper
        self._signals = shared.signals
        self._time = shared.time
        self._process_stopping = process_stopping
        self._stopping = stopping
        self._name = f"{tenant.name}/{stage}"
        self._failures = 0
        self._apart = False
        self._before: str | None = None
        self._paused: Pause | None = None
        self._epoch = tenant.epoch
        self._nudged = asyncio.Event()
        self._cycling = False
        self._acted_on = False
        self._obeying: asyncio.Task[None] | None = None
        self._signals.add(tenant.name, self._nudge)

    def _nudge(self) -> None:
        """An operator has acted on this tenant. A pause takes effect at once, even during a long read."""
        self._nudged.set()
        self._acted_on = True
        if self._cycling and self._obeying is None:
            self._obeying = asyncio.create_task(self._obey_a_pause())

    async def serve(self) -> None:
        """Run until `stopping`: no error of this tenant ends it, and none affects another tenant."""
        while not self._stopping.is_set():
            try:
                await self._under_lease()
            except LedgerReplaced:  # the runtime finds it too, stops the process, and raises it
                await self._stopping.wait()
            except (ShipperOneErpError, ConnectorError) as failure:
                # some sentences begin with the tenant, or the stage
                message = str(failure)
                LOG.warning("%s", message if message.startswith(self._tenant.name) else f"{self._name}: {message}")
                await self._wait_after_failure()
            except Exception:  # a bug must not leave this queue unread for ever, nor stop another's
                LOG.exception("%s: this is a bug in shipperone-erp; it continues after a pause", self._name)
                await self._wait_after_failure()

    async def _under_lease(self) -> None:
        await self._tenant.open()
        lease = await self._keeper.take(self._name, stand_by=self._stand_by, until=self._stopping)
        if lease is None:
            return
        if self._before is not None:
            LOG.info("%s: served by this process from now on, in place of %s", self._name, self._before)
            self._before = None
        try:
            await self._tenant.bind()
            self._epoch = self._tenant.epoch
            run = await self._tenant.stage(self._stage, lease, self._begins_nothing)
            await self._until_stopped(run)
        finally:
            self._tenant.stage_released(self._stage)
            with contextlib.suppress(LeaseLost, LedgerError):
                await self._keeper.give_back(lease)

    def _begins_nothing(self) -> bool:
        """Shutting down, paused by an operator, or switching to a connector with renewed secrets."""
        stops = self._stopping.is_set() or self._process_stopping.is_set()
        return stops or self._paused is not None or self._epoch != self._tenant.epoch

    async def _until_stopped(self, run: StageCycle) -> None:
        """Run cycles; at shutdown, wait a limited time for work under way, including a hanging hook."""
        cycles = asyncio.create_task(self._cycles(run))
        self._cycling = True
        try:
            with self._woken_by_stop() as stopped:
                await asyncio.wait({cycles, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not self._process_stopping.is_set():
                await self._finish_calls(cycles)
            _, late = await asyncio.wait({cycles}, timeout=STOP_WITHIN)
            if late:
                LOG.warning(
                    "%s: a call is still unanswered; its outcome is unknown to the process that takes over", self._name
                )
                run.abandon()
                cycles.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await cycles
        finally:
            self._cycling = False
            if self._obeying is not None:
                self._obeying.cancel()

    @contextlib.contextmanager
    def _woken_by_stop(self) -> Iterator["asyncio.Task[object]"]:
        """A task that ends when this worker stops, which ends a rest as well."""
        stopped: asyncio.Task[object] = asyncio.create_task(self._stopping.wait())
        stopped.add_done_callback(lambda task: None if task.cancelled() else self._nudged.set())
        try:
            yield stopped
        finally:
            stopped.cancel()

    async def _finish_calls(self, cycles: "asyncio.Task[None]") -> None:
        """The tenant moves to another process: wait until the last call has returned or its outcome is unknown."""
        ending = asyncio.create_task(self._process_stopping.wait())
        within = self._tenant.settings.hook_timeout.total_seconds()
        await asyncio.wait({cycles, ending}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()

    async def _cycles(self, run: StageCycle) -> None:
        try:
            while not self._stopping.is_set() and self._epoch == self._tenant.epoch:
                await self._look_for_a_pause()
                await self._rest(LONGEST_WAIT.total_seconds() if self._paused else await self._cycle(run))
        except Exception:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_WITHIN):
                    await run.rest()
            run.abandon()
            raise
        await run.rest()

    async def _obey_a_pause(self) -> None:
        try:
            while self._acted_on:
                self._acted_on = False
                with contextlib.suppress(LedgerError):  # it is read again before the next cycle
                    await self._look_for_a_pause()
        finally:
            self._obeying = None

    async def _look_for_a_pause(self) -> None:
        found = (await self._signals.paused(self._tenant.name)).get(self._stage)
        if (found is None) != (self._paused is None):
            what = f"paused by {found.actor}" if found else "goes on"
            LOG.info("%s: %s", self._name, what)
        self._paused = found

    async def _cycle(self, run: StageCycle) -> float:
        """Run one cycle; returns the seconds until the next."""
        began = self._time.monotonic()
        try:
            passed = await run.cycle(Selection(), wait=False)
        except ReadFailed as failure:
            self._report(began, good=False)
            if self._failures == 0 and failure.trouble is not Trouble.UNAUTHORISED:
                LOG.warning("%s: %s", self._name, failure.sentence)
            self._failures += 1
            return self._backoff()
        self._report(began, good=True)
        if self._failures:
            LOG.info("%s: ShipperOne answers again", self._name)
        self._failures = 0
        # spread the polls of tenants that were started together
        every = self._tenant.settings.poll_interval.total_seconds()
        poll = spread(every, 0.1) if self._apart else spread(0.8 * every, 0.375)
        self._apart = True
        return poll if passed.due_in is None else max(min(poll, passed.due_in), 0.5)

    def _report(self, began: float, *, good: bool) -> None:
        newest = self._tenant.views[self._stage].newest
        listed = len(newest.orders) + len(newest.unreadable) if good and newest is not None else None
        seconds = self._time.monotonic() - began
        self._tenant.events.publish(CycleEnded(self._tenant.name, self._stage, seconds, good, listed))

    async def _wait_after_failure(self) -> None:
        self._failures += 1
        with self._woken_by_stop():
            await self._rest(self._backoff())

    def _backoff(self) -> float:
        return FAILURES.delay(self._failures).total_seconds()

    async def _rest(self, seconds: float) -> None:
        """Wait that long, unless an operator acts on this tenant, its secrets are renewed, or the process stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._nudged.wait()
        self._nudged.clear()

    def _stand_by(self, holder: str) -> None:
        self._before = holder
        LOG.info("%s: on standby; served by %s", self._name, holder)
