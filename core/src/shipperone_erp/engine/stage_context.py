"""The context of one stage of one tenant: the composition that implements `workflow.ports.StagePorts`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, lru_cache
from weakref import WeakValueDictionary

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listed
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.planner_input import PlannerInput
from shipperone_erp.domain.post_answer import PostAnswer
from shipperone_erp.domain.recorded_jobs import Recorded, RecordedJobs
from shipperone_erp.domain.states import Stage
from shipperone_erp.engine.clock import StageClock
from shipperone_erp.engine.effect_log import StageEffectLog
from shipperone_erp.engine.hook_executor import HookExecutor
from shipperone_erp.engine.invoice_number_lookup import InvoiceNumberLookup, Query
from shipperone_erp.engine.ledger_revision import LedgerRevision
from shipperone_erp.engine.platform_breakers import ProxyInterception, TokenBreaker
from shipperone_erp.engine.queue_view import QueueView
from shipperone_erp.kernel.frozen import Same
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.request_bodies import confirmation_body

Observer = Callable[[Job | None, Job], None]
"""Called with a job before (None: it is new) and after a change."""


@dataclass(frozen=True, slots=True)
class Platform:
    """ShipperOne, for one stage: its client, its queue as last read, and the breakers of its token and of firewalls."""

    client: ShipperOne
    view: QueueView
    token: TokenBreaker
    firewall: ProxyInterception


@dataclass(frozen=True, slots=True)
class Records:
    """The ledger under one lease. `check_lease` raises LeaseLost if another process took over.

    `erp`: the identity of the ERP that its references belong to.
    """

    erp: str
    effect_log: StageEffectLog
    holders_of_numbers: Query
    check_lease: Callable[[], Awaitable[None]]
    revision: Callable[[], LedgerRevision | None]


@dataclass(frozen=True, slots=True)
class Process:
    """The process's services for a stage: its time, the observer of changes, redaction, whether it is stopping."""

    clock: StageClock
    observe: Observer
    redact: Callable[[str], str]
    stopping: Callable[[], bool]


class StageContext:
    """One for each stage of a tenant, created for each lease."""

    def __init__(
        self,
        settings: TenantSettings,
        stage: Stage,
        platform: Platform,
        hooks: HookExecutor,
        records: Records,
        process: Process,
    ) -> None:
        self.settings = settings
        self.stage = stage
        self.hooks = hooks
        self.erp = records.erp
        self.effect_log = records.effect_log
        self.check_lease = records.check_lease
        self.ledger_revision = records.revision
        self.holder_of_number = InvoiceNumberLookup(settings.name, records.holders_of_numbers).holder
        self.view = platform.view
        self.newest = platform.view.listed
        self.clock = process.clock
        self.now = process.clock.now
        self.changed = process.observe
        self.redact = process.redact
        self.token_refused = platform.token.admits
        self.firewall_blocks = platform.firewall.blocks
        self.firewall_refused = platform.firewall.refused
        self._recorded = RecordedJobs(settings.base_url, settings.store_code)
        self._noted: dict[int, Job] = {}
        self._platform = platform
        self._stopping = process.stopping

    @cached_property
    def _sales_orders(self) -> WeakValueDictionary[str, asyncio.Lock]:
        return WeakValueDictionary()

    async def fresh(self, order_id: str) -> Listed | None:
        return (await self.view.fresh()).orders.get(order_id)

    async def post(self, order: FulfillmentOrder, fingerprint: str) -> PostAnswer | None:
        listed = self.newest(order.order_id)
        if listed is None or listed.fingerprint != fingerprint:
            return None
        await self.check_lease()
        return await self._platform.client.confirm(self.stage, _body(self.stage, Same(order)))

    @asynccontextmanager
    async def turn_to_confirm(self) -> AsyncIterator[float | None]:
        # in this order: a read that needs an unchanged queue must not wait for a turn that waits for that read
        async with self.view.posting(), self._platform.client.turn_to_confirm() as seconds:
            yield seconds

    def planned_from(self, planner_input: PlannerInput, busy: Collection[str]) -> None:
        """Use these records of the ledger from now on; those of the `busy` orders may not be committed yet."""
        jobs = (*planner_input.jobs, *planner_input.allocations, *planner_input.sales_orders)
        self._recorded = RecordedJobs(self.settings.base_url, self.settings.store_code, jobs)
        self._noted = {job.id: job for job in self._noted.values() if job.order_id in busy}
        for job in self._noted.values():
            self._recorded.note(job)

    def recorded(self, order: FulfillmentOrder) -> Recorded:
        return self._recorded.beside(order)

    def note(self, job: Job) -> None:
        if self.stage is Stage.INVOICE:
            self._noted[job.id] = job
            self._recorded.note(job)

    def sales_order(self, number: str | None) -> AbstractAsyncContextManager[None]:
        if number is None or self.stage is not Stage.INVOICE:
            return nullcontext()
        return self._sales_orders.setdefault(number, asyncio.Lock())

    def body(self, order: FulfillmentOrder) -> str:
        return _body(self.stage, Same(order)).decode()

    @property
    def stopping(self) -> bool:
        return self._stopping()

    def pause_platform(self, sentence: str) -> None:
        self._platform.token.refused("confirming", sentence)

    def platform_answers(self) -> None:
        self._platform.token.taken("confirming")
        self._platform.firewall.passed()

    def queue_answers(self) -> None:
        """ShipperOne has answered a read of the queue."""
        self._platform.token.taken("reading")

    def queue_refused(self, sentence: str) -> None:
        """ShipperOne refuses the token on a read of the queue."""
        self._platform.token.refused("reading", sentence)

    @property
    def clock_moved(self) -> timedelta:
        return self.clock.moved


@lru_cache(maxsize=256)
def _body(stage: Stage, same: Same[FulfillmentOrder]) -> bytes:
    """Cached: what is recorded before a confirmation is sent is the very text that is sent."""
    return confirmation_body(stage, same.value)
