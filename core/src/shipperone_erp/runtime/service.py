"""`run` as a service: every stage of every tenant on its own, until it is asked to stop."""

import asyncio
import contextlib
import logging
import random
from datetime import timedelta

from shipperone_erp.errors import LeaseLost, LedgerError, ShipperOneErpError
from shipperone_erp.model.answers import ConnectorError
from shipperone_erp.model.work import Stage
from shipperone_erp.runtime.journal import Clock
from shipperone_erp.runtime.leases import LeaseKeeper
from shipperone_erp.runtime.stage_run import Selection, StageRun
from shipperone_erp.runtime.tenant_run import TenantRun
from shipperone_erp.shipperone.answers import ReadFailed

LONGEST_WAIT = timedelta(minutes=2)
"""Between two tries while ShipperOne, the ERP or the ledger cannot be reached."""

STOP_WITHIN = 30.0
"""Seconds for what is being worked on to reach its next recorded point."""


class StageService:
    """Serves one stage of one tenant: takes its lease, runs its cycles, and starts over after any fault of its own."""

    def __init__(
        self,
        tenant: TenantRun,
        stage: Stage,
        keeper: LeaseKeeper,
        now: Clock,
        stopping: asyncio.Event,
        log: logging.Logger,
    ) -> None:
        self._tenant = tenant
        self._stage = stage
        self._keeper = keeper
        self._now = now
        self._stopping = stopping
        self._log = log
        self._name = f"{tenant.name}/{stage}"
        self._failures = 0

    async def serve(self) -> None:
        """Until `stopping`: no fault of this tenant ends it, and none touches another tenant."""
        while not self._stopping.is_set():
            try:
                await self._under_lease()
            except (ShipperOneErpError, ConnectorError) as failure:
                self._log.warning("%s: %s", self._name, failure)
                await self._wait_after_failure()
            except Exception:  # a fault of ours must not leave this queue unread for ever, nor stop another's
                self._log.exception("%s: this is a fault of shipperone-erp; it goes on after a pause", self._name)
                await self._wait_after_failure()

    async def _under_lease(self) -> None:
        await self._tenant.open()
        lease = await self._keeper.take(self._name, stand_by=self._stand_by)
        try:
            await self._tenant.bind()
            run = await self._tenant.stage(self._stage, lease)
            try:
                while not self._stopping.is_set():
                    await self._pause(await self._cycle(run))
            finally:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STOP_WITHIN):
                        await run.rest()
        finally:
            with contextlib.suppress(LeaseLost, LedgerError):
                await self._keeper.give_back(lease)

    async def _cycle(self, run: StageRun) -> float:
        """One cycle; returns the seconds until the next."""
        try:
            passed = await run.cycle(Selection(), wait=False)
        except ReadFailed as failure:
            if self._failures == 0:
                self._log.warning("%s: %s", self._name, failure.sentence)
            self._failures += 1
            return self._backoff()
        if self._failures:
            self._log.info("%s: ShipperOne answers again", self._name)
        self._failures = 0
        poll = self._tenant.settings.poll_interval.total_seconds() * random.uniform(0.9, 1.1)  # noqa: S311
        if passed.next_due is None:
            return poll
        return max(min(poll, (passed.next_due - self._now()).total_seconds()), 0.5)

    async def _wait_after_failure(self) -> None:
        self._failures += 1
        await self._pause(self._backoff())

    def _backoff(self) -> float:
        longest = min(2.0 ** min(self._failures, 12), LONGEST_WAIT.total_seconds())
        return longest * random.uniform(0.75, 1.25)  # noqa: S311

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _stand_by(self, holder: str) -> None:
        self._log.info("%s: standing by; it is served by %s", self._name, holder)
