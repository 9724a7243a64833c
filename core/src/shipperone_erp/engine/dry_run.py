"""`run --dry-run`: shows a cycle's decision for each order. It reads the queues and the ledger, and writes nothing."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.amounts.approved_totals import approved_total
from shipperone_erp.domain.confirmed_elsewhere import to_be_looked_up
from shipperone_erp.domain.decisions import Continue, Decision, Foreseen, SendAgain, Start, order_of
from shipperone_erp.domain.invoice_checks.stated_amounts import foreseen
from shipperone_erp.domain.listing import ReadFailed
from shipperone_erp.domain.planner import plan
from shipperone_erp.domain.planner_input import PlannerRules
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.recorded_jobs import RecordedJobs, to_be_checked
from shipperone_erp.domain.states import Stage
from shipperone_erp.domain.supply_date import Window, allocation_accepted_at, implausible
from shipperone_erp.engine.other_queues import jobs_to_ship
from shipperone_erp.engine.planner_input_loader import load_planner_input
from shipperone_erp.engine.selection import Selection, unknown_to
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.shipperone.account import Account
from shipperone_erp.shipperone.client import connected
from shipperone_erp.shipperone.evidence_queues import read_failed, read_to_ship
from shipperone_erp.shipperone.http_exchange import ExchangeLimits
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import QueueReader


@dataclass(frozen=True, slots=True)
class Foresight:
    """The decisions about a tenant's orders; `unknown`: the requested ids that this tenant does not have."""

    orders: list[Foreseen]
    unknown: frozenset[str]


def _words(decision: Decision, settings: TenantSettings, recorded: RecordedJobs) -> str:
    """The text of the decision. For an invoice, the flow's checks before building or sending are applied first."""
    if isinstance(decision, Start | Continue | SendAgain) and to_be_checked(decision.job):
        job = decision.job
        beside = recorded.beside(job.order)
        window = Window.of(settings, job.first_listed_at, allocation_accepted_at(beside.allocations))
        if isinstance(decision, Start) and (why := implausible(job.order, settings, window)):
            return f"would be held, {Reason.DATE_IMPLAUSIBLE}: {why}"
        found = foreseen(job.order, settings, beside, approved=approved_total(job))
        if found is not None:
            return f"would be held, {found.reason}: {found.sentence}"
    return decision.words()


async def foresee(
    settings: TenantSettings,
    ledger: Ledger,
    selection: Selection,
    now: datetime,
    *,
    max_response: int,
    listed_at: Account | None = None,
) -> Foresight:
    """The decisions of one cycle of this tenant. ReadFailed if a queue cannot be read. No hook is called.

    `listed_at`: read the queues from this account, which serves captured data, instead of the tenant's ShipperOne.
    """
    foreseen: list[Foreseen] = []
    async with connected(listed_at or Account.of(settings), ExchangeLimits(max_response=max_response)) as client:
        readers = [QueueReader(client, stage, OrderWire.of(settings, stage)) for stage in settings.stages]
        listings = {listing.stage: listing for listing in [await reader.read() for reader in readers]}
        failed: frozenset[str] = frozenset()
        with suppress(ReadFailed):  # the token may be limited to the stages' queues
            failed = await read_failed(client, OrderWire(settings.fields, tenant=settings.name))
        invoices = listings.get(Stage.INVOICE)
        paused = {pause.stage: pause.actor for pause in ledger.pauses() if pause.tenant == settings.name}
        for stage, listing in listings.items():
            rules = PlannerRules(settings, stage)
            planner_input, _ = load_planner_input(
                ledger,
                rules,
                listing,
                go_live=settings.go_live,
                shipped=invoices.orders if invoices else {},
                confirmed=(None, now - settings.ship_within),
                fiscal_first=settings.fiscal_first,
            )
            asked = to_be_looked_up(planner_input.jobs, listing, now, settings.gone_grace)
            to_ship = await jobs_to_ship(asked, partial(read_to_ship, client, OrderWire.of(settings, Stage.ALLOCATION)))
            planner_input = replace(planner_input, elsewhere=invoices, failed=failed, to_ship=to_ship)
            jobs = (*planner_input.jobs, *planner_input.allocations, *planner_input.sales_orders)
            recorded = RecordedJobs(settings.base_url, settings.store_code, jobs)
            wanted = (one for one in plan(rules, listing, planner_input, now) if selection.admits(order_of(one)))
            resting = f"nothing while it is paused by {paused[stage]}, then: " if stage in paused else ""
            for order_id, decisions in list(grouped(wanted, key=order_of).items())[: selection.limit]:
                would = "; ".join(_words(decision, settings, recorded) for decision in decisions)
                foreseen.append(Foreseen(settings.name, stage, order_id, resting + would, tuple(decisions)))
    return Foresight(foreseen, unknown_to(settings.name, selection.orders, list(listings.values()), ledger))
