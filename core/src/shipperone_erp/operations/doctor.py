"""`doctor`: each check of a tenant is a line OK, WARN or FAIL with its cure. It leaves no trace.

It checks address, token, store code, the token's rights, ERP and ledger separately, and names the faulty one.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from shipperone_erp.config import Configuration, RuntimeSettings, TenantSettings
from shipperone_erp.config.setting_types import in_plain_text
from shipperone_erp.connector.host import TenantPlugins
from shipperone_erp.domain.disproved_denials import DISPROVED_WITHIN, disproved_sentence
from shipperone_erp.domain.exit_codes import Ending
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.listing import Listing, ReadFailed, Trouble
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import Binding
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import LedgerError, PluginRefused
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.kernel.time_source import utc_now
from shipperone_erp.ledger.binding import check_binding
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.connection import wrong_part
from shipperone_erp.operations.inspect.results import distinct
from shipperone_erp.operations.installation_checks import Line, Verdict, configuration_lines, ledger_lines
from shipperone_erp.operations.invoice_obstacles import problems
from shipperone_erp.operations.invoice_samples import samples
from shipperone_erp.operations.queue_findings import date_findings, date_problems, discounts, findings, is_open
from shipperone_erp.operations.warehouse_mapping import unmapped
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.http_exchange import ExchangeLimits, HttpExchange
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import QueueReader

CLOCK_OFF = 60.0
"""The accepted difference in seconds between ShipperOne's clock and the local one, which tax dates depend on."""

ANSWERS_WITHIN = 30.0
"""Time limit in seconds for a connector's own checks."""


async def examine(configuration: Configuration, tenants: Sequence[str]) -> list[Line]:
    """Every check of these tenants (of all, if none is named). Never raises for the result of a check."""
    ledger = await asyncio.to_thread(ledger_lines, configuration.runtime.ledger)
    lines = [*configuration_lines(configuration), *ledger]
    usable = all(line.verdict is Verdict.OK for line in ledger if line.check in ("ledger", "integrity"))
    for name, settings in configuration.tenants.items():
        if not tenants or name in tenants:
            lines += await _Tenant(settings, configuration.runtime, usable).examine()
    return lines


class _Tenant:
    """The checks of one tenant, each after those that it depends on."""

    def __init__(self, settings: TenantSettings, runtime: RuntimeSettings, ledger_usable: bool) -> None:
        self.settings = settings
        self.ledger = runtime.ledger if ledger_usable else None
        self.lines: list[Line] = []
        self.orders: list[FulfillmentOrder] = []
        self.raw: dict[Stage, list[Any]] = {stage: [] for stage in settings.stages}
        account = Account.of(settings)
        limits = ExchangeLimits(timeout=10.0, max_response=runtime.max_response)
        self.client = ShipperOne(account, HttpExchange(account.root, limits))

    async def examine(self) -> list[Line]:
        try:
            if await self._address_and_token():
                for stage in self.settings.stages:
                    wire = OrderWire.of(self.settings, stage)
                    reader = QueueReader(self.client, stage, wire, rows=self.raw[stage].extend)
                    await self._queue(reader, f"queue of {stage}")
                raw = {stage: distinct(rows) for stage, rows in self.raw.items()}
                self.lines += findings(self.settings, self.orders, raw)
                await self._clock()
        finally:
            await self.client.aclose()
        await self._answers()
        await self._erp()
        return self.lines

    def add(
        self, check: str, verdict: Verdict, sentence: str, cure: str | None = None, ending: Ending = Ending.PLATFORM
    ) -> None:
        self.lines.append(Line(self.settings.name, check, verdict, sentence, cure, ending))

    async def _address_and_token(self) -> bool:
        base_url, store = self.settings.base_url, self.settings.store_code
        if in_plain_text(base_url):
            self.add("address", Verdict.WARN, f"{base_url} is not encrypted: the token can be read in transit", "https")
        try:
            warehouses = await self.client.warehouses()
        except ReadFailed as failure:
            wrong = wrong_part(failure, base_url, store)
            if wrong is not None:
                if wrong.answers:
                    self.add("address", Verdict.OK, f"{base_url} answers")
                self.add(wrong.part, Verdict.FAIL, failure.sentence, wrong.cure)
                return False
            # the token may still be valid for the queues
            self.add("warehouses", Verdict.WARN, failure.sentence, "grant the token the scope to read warehouses")
            return True
        self.add("address", Verdict.OK, f"{base_url} answers")
        self.add("token", Verdict.OK, "ShipperOne accepts it")
        self.add("store code", Verdict.OK, f"{store}: {len(warehouses)} warehouse(s)")
        self.lines += unmapped(self.settings, warehouses)
        return True

    async def _queue(self, reader: QueueReader, check: str) -> None:
        try:
            listing = await reader.read()
        except ReadFailed as failure:
            scope = failure.trouble is Trouble.UNAUTHORISED
            cure = "grant the token the scope to read this queue" if scope else "check ShipperOne, or wait"
            self.add(check, Verdict.FAIL, failure.sentence, cure)
            return
        self.orders += [listed.order for listed in listing.orders.values()]
        if listing.unreadable:
            sentence = (
                f"{len(listing.unreadable)} of {len(listing.unreadable) + len(listing.orders)} orders cannot be read"
            )
            cure = f"first: {listing.unreadable[0].sentence}"
            self.add(check, Verdict.WARN, sentence, cure)
        else:
            self.add(check, Verdict.OK, f"{len(listing.orders)} order(s), all readable")
        await self._amounts(listing)

    async def _amounts(self, listing: Listing) -> None:
        """Settings missing for the listed orders: the number of orders that would be held, and the first in full."""
        self.lines += date_findings(self.settings, listing)
        problems = await asyncio.to_thread(_amounts, self.settings, listing, self.ledger)
        self.lines += discounts(self.settings, listing.stage, problems)
        held = ((order_id, problem) for order_id, problem in problems if not is_open(problem))
        for reason, orders in grouped(held, key=lambda one: one[1].reason).items():
            sentence = f"{len(orders)} of {len(listing.orders)} order(s) would be held, {reason}"
            first, problem = orders[0]
            about = "dates" if reason is Reason.DATE_IMPLAUSIBLE else "amounts"
            self.add(f"{about} of {listing.stage}", Verdict.WARN, sentence, f"first: order {first}: {problem.sentence}")

    async def _answers(self) -> None:
        """Rejections of confirmations that the queue has disproved, as recorded in the ledger."""
        if self.ledger is None:
            return
        cure = "send ShipperOne the responses that `order show` lists; the orders need no action"
        for stage, found in (await asyncio.to_thread(_disproved, self.ledger, self.settings.name)).items():
            sentence = disproved_sentence(*found)
            if sentence is not None:
                self.add(f"answers of {stage}", Verdict.WARN, sentence, cure)

    async def _clock(self) -> None:
        ahead = await self.client.clock_ahead()
        if ahead is None:
            self.add(
                "clock", Verdict.WARN, "ShipperOne does not send its time", "synchronize this machine's clock by NTP"
            )
        elif abs(ahead) > CLOCK_OFF:
            sentence = f"this machine's clock and ShipperOne's differ by {abs(ahead):.0f} s"
            self.add("clock", Verdict.WARN, sentence, "synchronize this machine's clock by NTP: tax dates go by it")
        else:
            self.add("clock", Verdict.OK, "agrees with ShipperOne's clock")

    async def _erp(self) -> None:
        settings = self.settings
        if settings.fiscal_first:
            sentence = (
                "fiscal_first: an invoice is issued before ShipperOne has accepted it, and a 400 needs a credit note"
            )
            self.add("connector", Verdict.WARN, sentence, "use a connector with drafts, or one that issues afterwards")
        try:
            plugins = await asyncio.to_thread(
                TenantPlugins.create,
                settings.name, settings.connector, settings.connector_settings, settings.policy_settings,
            )  # fmt: skip
        except PluginRefused as refused:
            self.add("connector", Verdict.FAIL, str(refused), "install it again", Ending.CONFIGURATION)
            return
        self._undoing(plugins.offers)
        try:
            found = await asyncio.wait_for(asyncio.to_thread(plugins.check), ANSWERS_WITHIN)
            if Stage.INVOICE in settings.stages and all(check.ok is not False for check in found):
                listed = samples(self.orders, settings)
                found += await asyncio.wait_for(asyncio.to_thread(plugins.rehearse, listed), ANSWERS_WITHIN)
            for check in found:
                verdict = Verdict.OK if check.ok else Verdict.WARN if check.ok is None else Verdict.FAIL
                self.add(check.name, verdict, check.sentence, check.cure, Ending.ERP)
            await self._bound(await asyncio.wait_for(asyncio.to_thread(plugins.identity), ANSWERS_WITHIN))
        except Exception as error:  # a connector may raise anything
            sentence = f"the ERP's identity could not be determined: {getattr(error, 'sentence', type(error).__name__)}"
            self.add("ERP", Verdict.FAIL, sentence, "check the connector's settings and the ERP", Ending.ERP)
        finally:
            await asyncio.to_thread(plugins.close)

    def _undoing(self, offers: frozenset[str]) -> None:
        """Warn about documents that the connector cannot undo: a change of an order holds them for an operator."""
        for stage, hook, what in (
            (
                Stage.ALLOCATION,
                "release_stock",
                "the connector does not release stock: an order whose reservation must be released is held",
            ),
            (
                Stage.INVOICE,
                "discard_invoice",
                "the connector does not discard drafts: an order whose invoice must change is held",
            ),
        ):
            if stage in self.settings.stages and hook not in offers:
                self.add(
                    "connector",
                    Verdict.WARN,
                    what,
                    f"use a connector with {hook}; otherwise an operator must undo it in the ERP",
                )

    async def _bound(self, identity: str) -> None:
        settings = self.settings
        # the connector's own checks test the connection: many connectors read the identity from their settings alone
        self.add("identity", Verdict.OK, f"the ERP is {identity}")
        if self.ledger is None:
            return
        binding = Binding(settings.base_url, settings.store_code, settings.connector, identity)
        try:
            await asyncio.to_thread(_compare, self.ledger, settings, binding)
        except LedgerError as error:
            if error.exit_code == Ending.CONFIGURATION:
                self.add("binding", Verdict.FAIL, str(error), f"run `ledger adopt {settings.name}`, or configure the "
                    "right ledger",
                         Ending.CONFIGURATION)  # fmt: skip


def _disproved(url: str, tenant: str) -> dict[Stage, tuple[int, str]]:
    with Ledger.open(url, read_only=True) as ledger:
        found = ledger.disproved(utc_now() - DISPROVED_WITHIN)
    return {stage: counted for (name, stage), counted in found.items() if name == tenant}


def _amounts(settings: TenantSettings, listing: Listing, url: str | None) -> list[tuple[str, Problem]]:
    if url is None:
        return [*problems(settings, listing, None), *date_problems(settings, listing, None)]
    with Ledger.open(url, read_only=True) as ledger:
        return [*problems(settings, listing, ledger), *date_problems(settings, listing, ledger)]


def _compare(url: str, settings: TenantSettings, binding: Binding) -> None:
    with Ledger.open(url, read_only=True) as ledger:
        check_binding(ledger, settings.name, binding, settings.stages)
