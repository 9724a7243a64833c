"""The runtime: opens the ledger, serves the tenants of a configuration, and closes everything."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection
from datetime import timedelta
from decimal import Decimal
from types import TracebackType
from typing import Self

from shipperone_erp.config import Configuration
from shipperone_erp.domain.events import JobChanged
from shipperone_erp.domain.exit_codes import Ended, Ending
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage
from shipperone_erp.engine.crash_isolation import CrashIsolation
from shipperone_erp.engine.grouped_calls import GroupedCalls
from shipperone_erp.engine.lease_keeper import BEATS, LeaseKeeper
from shipperone_erp.engine.named_locks import ExclusiveNames
from shipperone_erp.engine.observers.log_lines import change_log, denial_alert, open_discounts, overdue_invoices
from shipperone_erp.engine.observers.progress import Progress, report_progress
from shipperone_erp.engine.observers.registry import Observers
from shipperone_erp.engine.operator_signals import OperatorSignals
from shipperone_erp.engine.retention_schedule import Retention
from shipperone_erp.engine.scheduling import EveryTenant, Host, Scheduler, ServiceHost
from shipperone_erp.engine.selection import Selection
from shipperone_erp.engine.shared_limits import SharedLimits
from shipperone_erp.engine.single_run import serve_once
from shipperone_erp.engine.stage_context import Observer
from shipperone_erp.engine.tenant import Shared, TenantRuntime
from shipperone_erp.kernel.redaction import Redaction
from shipperone_erp.kernel.time_source import MACHINE_TIME, TimeSource
from shipperone_erp.ledger.database_errors import LedgerReplaced
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.shipperone.open_connections import Origins

LOG = "shipperone_erp.run"

OpenLedger = Callable[[str], Ledger]


def migrated_ledger(url: str) -> Ledger:
    """The ledger at that address, migrated to this version's schema if needed."""
    return Ledger.open(url, migrate=True)


class Runtime:
    """Serves a configuration's tenants from one event loop. Used as `async with`; two of them can run side by side.

    `open_ledger` and `time` replace the ledger or the clock in tests; `observers` are called after every change of a
    job's state. `redaction` receives every secret in use, including those renewed meanwhile.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        tenants: Collection[str] = (),
        open_ledger: OpenLedger = migrated_ledger,
        time: TimeSource = MACHINE_TIME,
        observers: Collection[Observer] = (),
        redaction: Redaction | None = None,
    ) -> None:
        self._redaction = redaction or Redaction()
        self._redaction.add(configuration.secrets)
        self.configuration = configuration
        self._names = frozenset(tenants)
        self._chosen = [settings for name, settings in configuration.tenants.items() if not tenants or name in tenants]
        self._open_ledger = open_ledger
        self._time = time
        self._observers = list(observers)
        self._log = logging.getLogger(LOG)
        limits = configuration.runtime.limits
        self.limits = SharedLimits(_rate(limits.shipperone), _rate(limits.erp))
        self.progress = Progress(time)
        self.events = Observers()
        for observer in (
            change_log(self._log),
            denial_alert(self._log),
            open_discounts(self._log),
            overdue_invoices(self._log),
            self.progress,
        ):
            self.events.add(observer)

    async def __aenter__(self) -> Self:
        runtime = self.configuration.runtime
        self.ledger = await asyncio.to_thread(self._open_ledger, runtime.ledger)
        self.ledger.start_writer()
        self._keeper = LeaseKeeper(self.ledger, runtime.lease, self._time)
        self._shared = shared = Shared(
            ledger=self.ledger,
            signals=OperatorSignals(self.ledger, self._time),
            time=self._time,
            keeper=self._keeper,
            exclusives=ExclusiveNames(
                self._keeper,
                share=runtime.lease.total_seconds(),
                pause=2 * self._keeper.looks_every,
                time=self._time,
            ),
            crash_isolation=CrashIsolation(),
            at_rest=GroupedCalls(self._at_rest),
            observe=self._observe,
            redact=self._redaction,
            log=self._log,
            origins=Origins(self._time),
            max_response=runtime.max_response,
            events=self.events,
            limits=self.limits,
        )
        self.tenants = [TenantRuntime(settings, shared) for settings in self._chosen]
        self._reporting = asyncio.create_task(report_progress(self.progress, self._log))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reporting.cancel()
        await self._keeper.close(keep=self._shared.exclusives.in_use)
        await asyncio.gather(*(tenant.close() for tenant in self.tenants))
        await self._shared.origins.aclose()
        await asyncio.to_thread(self.ledger.close)

    async def once(
        self, selection: Selection | None = None, settle_for: timedelta = timedelta(seconds=90)
    ) -> dict[str, Ended]:
        """`run --once` for every tenant; the result of each, by name."""
        endings = await asyncio.gather(
            *(
                serve_once(tenant, self._keeper, self._time, selection=selection or Selection(), settle_for=settle_for)
                for tenant in self.tenants
            )
        )
        found = {tenant.name: ended for tenant, ended in zip(self.tenants, endings, strict=True)}
        for problem in self.configuration.problems:
            if problem.tenant is not None:
                found[problem.tenant] = Ended(Ending.CONFIGURATION, str(problem))
        return found

    async def serve(self, stopping: asyncio.Event, scheduler: Scheduler | None = None) -> None:
        """Serve the tenants that the scheduler chooses, by default all, until `stopping` is set.

        LedgerReplaced if the ledger was lost.
        """
        host = ServiceHost(self.tenants, self._shared, stopping)
        scheduling = asyncio.create_task(self._schedule(scheduler, host, stopping))
        watching = asyncio.create_task(self._shared.signals.watch(stopping))
        retention = Retention(self.ledger, self._keeper, self.configuration.runtime, self._time, self._log)
        tidying = asyncio.create_task(retention.serve())
        replaced = await self._until_stopped_or_replaced(stopping)
        host.stop()
        tidying.cancel()
        await asyncio.wait([tidying])
        await asyncio.gather(watching, host.stopped())
        await scheduling
        if replaced is not None:
            raise replaced

    async def _schedule(self, scheduler: Scheduler | None, host: Host, stopping: asyncio.Event) -> None:
        chosen = scheduler or EveryTenant(self.configuration, self._names, self._log)
        try:
            await chosen.run(host, stopping)
        finally:
            stopping.set()

    async def _until_stopped_or_replaced(self, stopping: asyncio.Event) -> LedgerReplaced | None:
        """Wait for `stopping`, and set it if the ledger was replaced; checked with every heartbeat."""
        pace = self.configuration.runtime.lease.total_seconds() / BEATS
        while not stopping.is_set():
            try:
                await asyncio.to_thread(self.ledger.verify)
            except LedgerReplaced as replaced:
                stopping.set()
                return replaced
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pace)
        return None

    def _at_rest(self, stages: Collection[tuple[str, Stage]]) -> dict[tuple[str, Stage], bool]:
        unfinished = self.ledger.unfinished_stages({tenant for tenant, _ in stages})
        return dict.fromkeys(set(stages) - unfinished, True)

    def _observe(self, before: Job | None, after: Job) -> None:
        for observer in self._observers:
            observer(before, after)
        self.events.publish(JobChanged(before, after))


def _rate(rate: Decimal | None) -> float | None:
    return None if rate is None else float(rate)
