"""One tenant in this process: its client, its connector, its threads, and its stages."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from shipperone_erp.config import TenantSettings
from shipperone_erp.connector.host import TenantPlugins
from shipperone_erp.domain.events import RequestEnded
from shipperone_erp.domain.hook_answers import AuthFailed, ConnectorError
from shipperone_erp.domain.listing import Listed
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.records import Binding, Lease, Pause
from shipperone_erp.domain.states import Stage
from shipperone_erp.engine.circuit_breaker import ErpBreaker
from shipperone_erp.engine.clock import StageClock
from shipperone_erp.engine.crash_isolation import CrashIsolation
from shipperone_erp.engine.cycle import StageCycle
from shipperone_erp.engine.effect_log import StageEffectLog
from shipperone_erp.engine.grouped_calls import GroupedCalls
from shipperone_erp.engine.hook_executor import CallTerms, HookBreakers, HookExecutor
from shipperone_erp.engine.hook_threads import HookThreads
from shipperone_erp.engine.lease_keeper import LeaseKeeper
from shipperone_erp.engine.ledger_revision import LedgerRevision, Serving, revision
from shipperone_erp.engine.named_locks import ExclusiveNames
from shipperone_erp.engine.observers.registry import Observers
from shipperone_erp.engine.operator_signals import OperatorSignals
from shipperone_erp.engine.other_queues import OtherQueues
from shipperone_erp.engine.platform_breakers import ProxyInterception, TokenBreaker
from shipperone_erp.engine.queue_view import QueueView
from shipperone_erp.engine.repeated_exceptions import RepeatedExceptions
from shipperone_erp.engine.selection import unknown_to
from shipperone_erp.engine.shared_limits import SharedLimits
from shipperone_erp.engine.stage_context import Observer, Platform, Process, Records, StageContext
from shipperone_erp.kernel.redaction import Redaction
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.ledger.binding import check_binding
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.evidence_queues import read_failed, read_to_ship
from shipperone_erp.shipperone.http_exchange import ExchangeLimits, HttpExchange
from shipperone_erp.shipperone.open_connections import Origins
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import QueueReader
from shipperone_erp.shipperone.rate_limit import Pacing
from shipperone_erp.workflow.ports import Down

IDENTITY_DEADLINE = timedelta(seconds=30)

CLOSE_WITHIN = 3.0
"""Seconds for a connector to close its connections."""


@dataclass(frozen=True, slots=True)
class Shared:
    """The objects that the tenants of one runtime share."""

    ledger: Ledger
    signals: OperatorSignals
    time: TimeSource
    keeper: LeaseKeeper
    exclusives: ExclusiveNames
    crash_isolation: CrashIsolation
    at_rest: GroupedCalls[tuple[str, Stage], bool]
    """True for a stage in which there is nothing to be recovered; called under its lease."""
    observe: Observer
    redact: Redaction
    log: logging.Logger
    origins: Origins
    max_response: int
    events: Observers
    limits: SharedLimits


class TenantRuntime:
    """Created for one tenant and one event loop; `close` once. It shares no state with another tenant."""

    def __init__(self, settings: TenantSettings, shared: Shared) -> None:
        self.settings = settings
        self.name = settings.name
        self.token = TokenBreaker(shared.time, self._say)
        self._firewall = ProxyInterception(shared.time, self._say)
        self.events = shared.events
        self.epoch = 0
        """Incremented when the ERP's secrets are renewed: work with the previous connector starts over."""
        self._shared = shared
        account = Account.of(settings)
        exchange = HttpExchange(
            account.root,
            ExchangeLimits(settings.concurrency, max_response=shared.max_response),
            connections=shared.origins.connections(account.root),
            requested=self._requested,
            time=shared.time,
        )
        pacing = Pacing(shared.limits.shipperone(settings.base_url), time=shared.time)
        self._client = ShipperOne(account, exchange, pacing, time=shared.time)
        self._clocks = {stage: StageClock(shared.time) for stage in Stage}
        self.views = {stage: QueueView(self._reader(stage), self._clocks[stage]) for stage in Stage}
        self._threads = HookThreads(settings.name, settings.concurrency)
        self.erp_breaker = ErpBreaker(shared.time, self._say, patience=max(8, settings.concurrency))
        self.bursts = RepeatedExceptions(shared.time, self._say)
        self._plugins: TenantPlugins | None = None
        self._opening = asyncio.Lock()
        self._retired: list[TenantPlugins] = []
        self._epochs: dict[Stage, int] = {}
        self._serving: dict[Stage, Serving] = {}
        self._bound = False
        self._erp = ""
        self._binding = asyncio.Lock()

    async def open(self) -> TenantPlugins:
        """Import and create the connector, in a thread. PluginRefused names the problem."""
        async with self._opening:
            while self._plugins is None:
                epoch, settings = self.epoch, self.settings
                made = await asyncio.to_thread(
                    TenantPlugins.create,
                    self.name,
                    settings.connector,
                    settings.connector_settings,
                    settings.policy_settings,
                )
                if epoch == self.epoch:
                    self._plugins = made
                else:
                    self._close_aside(made)  # its secrets were renewed meanwhile
            return self._plugins

    async def bind(self) -> None:
        """Compare the ledger's binding with the tenant's configuration and ERP; before the tenant's first effect.

        LedgerError if they differ; ConnectorError if the ERP's identity could not be determined.
        """
        async with self._binding:  # both stages call it at once
            while not self._bound:
                await self._bind()

    async def _bind(self) -> None:
        plugins = await self.open()
        epoch = self.epoch
        try:
            identity = await self._threads.run(plugins.identity, deadline=IDENTITY_DEADLINE.total_seconds())
        except ConnectorError as failure:
            self.erp_breaker.down = self.erp_breaker.down or Down(
                Reason.ERP_AUTH if isinstance(failure, AuthFailed) else Reason.ERP_UNAVAILABLE,
                failure.sentence,
                Owner.IT,
                self._shared.time.now() + timedelta(seconds=5),
            )
            raise
        binding = Binding(
            base_url=self.settings.base_url.rstrip("/"),
            store_code=self.settings.store_code,
            connector=self.settings.connector,
            identity=identity,
        )
        await asyncio.to_thread(check_binding, self._shared.ledger, self.name, binding, self.settings.stages)
        self._bound, self._erp = epoch == self.epoch, identity  # another connector may reach another ERP

    async def stage(self, stage: Stage, lease: Lease, stopping: Callable[[], bool] = lambda: False) -> StageCycle:
        """The stage's cycles under this lease, after recovery of an earlier process's work.

        Once `stopping` is true no effect begins any more.
        """
        plugins = await self.open()
        shared, settings = self._shared, self.settings
        hooks = HookExecutor(
            plugins,
            self._threads,
            HookBreakers(self.erp_breaker, self.bursts),
            shared.exclusives,
            shared.crash_isolation,
            CallTerms(settings.hook_timeout.total_seconds(), stage, shared.time, shared.limits.erp(self._erp)),
        )
        effect_log = StageEffectLog(shared.ledger, lease, shared.time, shared.events)
        self._serving[stage] = Serving(lease, effect_log)
        context = StageContext(
            settings,
            stage,
            Platform(self._client, self.views[stage], self.token, self._firewall),
            hooks,
            Records(
                self._erp,
                effect_log,
                shared.ledger.holders_of_numbers,
                partial(shared.keeper.check, lease),
                self._revision,
            ),
            Process(self._clocks[stage], shared.observe, shared.redact, stopping),
        )
        batch = any(hook.endswith("_batch") for hook in plugins.offers)
        run = StageCycle(
            context,
            shared.ledger,
            OtherQueues(
                shipped=self._shipped,
                read_invoice_queue=partial(self.views[Stage.INVOICE].read, prove=True),
                read_failed=partial(read_failed, self._client, OrderWire(settings.fields, tenant=settings.name)),
                read_to_ship=partial(read_to_ship, self._client, OrderWire.of(settings, Stage.ALLOCATION)),
            ),
            shared.crash_isolation,
            shared.events,
            in_flight=settings.concurrency * (plugins.batch_size if batch else 3) + settings.concurrency,
        )
        if await shared.at_rest.call((self.name, stage)) is None:
            await run.recover()
        self._epochs[stage] = self.epoch
        self._close_retired()
        return run

    def stage_released(self, stage: Stage) -> None:
        """The cycles of that stage have ended and no longer use their connector."""
        self._epochs.pop(stage, None)
        self._serving.pop(stage, None)
        self._close_retired()

    def _close_retired(self) -> None:
        if all(epoch == self.epoch for epoch in self._epochs.values()):
            while self._retired:
                self._close_aside(self._retired.pop())

    async def paused(self) -> Mapping[Stage, Pause]:
        """The stages of this tenant that an operator has paused."""
        return await self._shared.signals.paused(self.name)

    async def unknown(self, asked: frozenset[str]) -> frozenset[str]:
        """The ids in `asked` that neither the newest reads list nor the ledger holds; none if a read is missing."""
        listings = [self.views[stage].newest for stage in self.settings.stages]
        read = [listing for listing in listings if listing is not None]
        if not asked or len(read) < len(listings):
            return frozenset()
        return await asyncio.to_thread(unknown_to, self.name, asked, read, self._shared.ledger)

    def renew(self, settings: TenantSettings) -> None:
        """Use the renewed secrets: the token at once, the ERP's with a new connector (see `epoch`).

        Other changes of the configuration need a restart; the secrets are not in a `repr`.
        """
        if settings.token != self.settings.token:
            self.settings = self.settings.model_copy(update={"token": settings.token})
            self._client.replace_token(settings.token)
            self.token.renewed()
            self._say("the token was reloaded")
        before, after = _plugged(self.settings), _plugged(settings)
        if after != before and repr(after) == repr(before):
            own = {"connector_settings": settings.connector_settings, "policy_settings": settings.policy_settings}
            self.settings = self.settings.model_copy(update=own)
            if self._plugins is not None:
                self._retired.append(self._plugins)
                self._plugins = None
            self.erp_breaker.down = None
            self.bursts.forget()
            self._bound = False
            self.epoch += 1
            self._say("the ERP's secrets were reloaded")

    def _revision(self) -> LedgerRevision | None:
        return revision(self._serving, self._shared.keeper.is_held, self._shared.signals.acted_on(self.name))

    def _shipped(self) -> Mapping[str, Listed]:
        """The orders of the newest read of pending_invoice."""
        newest = self.views[Stage.INVOICE].newest
        return newest.orders if newest else {}

    def _reader(self, stage: Stage) -> QueueReader:
        return QueueReader(self._client, stage, OrderWire.of(self.settings, stage), time=self._clocks[stage])

    def _requested(self, method: str, status: int | None, seconds: float) -> None:
        self.events.publish(RequestEnded(self.name, method, status, seconds))

    def _say(self, sentence: str) -> None:
        self._shared.log.warning("%s: %s", self.name, sentence)

    async def close(self) -> None:
        """Close the connections and the idle threads."""
        await self._client.aclose()
        for plugins in [*self._retired, self._plugins]:
            if plugins is not None:
                await asyncio.to_thread(self._close_aside(plugins).join, CLOSE_WITHIN)
        self._threads.close()

    def _close_aside(self, plugins: TenantPlugins) -> threading.Thread:
        # in a separate thread with a time-out: a connector may hang in its `close` too
        closing = threading.Thread(target=plugins.close, name=f"close of {self.name}", daemon=True)
        closing.start()
        return closing


def _plugged(settings: TenantSettings) -> tuple[object, object]:
    return settings.connector_settings, dict(settings.policy_settings)
