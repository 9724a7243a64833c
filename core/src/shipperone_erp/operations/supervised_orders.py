"""`run --supervised`: selects the next order to ask about, and describes it. Reads only; the runtime acts.

An operator is asked about an order before any processing. For an invoice a second question follows once its draft
exists, since the next step cannot be undone. The questions already answered are recorded only in the ledger (an order
in progress, a draft that waits for approval). A process that is killed during a question therefore asks the same
question again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.decisions import Continue, Foreseen, NoAction, Start
from shipperone_erp.domain.hook_requests import Goods
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.keys import plain
from shipperone_erp.domain.order import FulfillmentOrder, OrderItem
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.ledger.reader import LedgerReader
from shipperone_erp.operations.reports import money_text
from shipperone_erp.operations.stock_overview import ErpStock
from shipperone_erp.shipperone.request_bodies import confirmation_body


class Kind(StrEnum):
    """The kinds of orders, which differ in their demands on the mapping, the connector and the accountant."""

    PLAIN = "plain"
    PART = "part"
    TRANSFER = "transfer"
    DISCOUNT = "discount"
    CHARGE = "charge"
    BUNDLE = "bundle"
    COMPANY = "company"
    FOREIGN = "foreign"


@dataclass(frozen=True)
class Candidate:
    """An order to be asked about. `draft`: its invoice is built and awaits approval; else nothing has begun."""

    stage: Stage
    order: FulfillmentOrder = field(repr=False)
    kinds: frozenset[Kind]
    job: Job | None = field(repr=False)
    draft: bool = False


@dataclass(frozen=True)
class Look:
    """One look at the queues and the ledger.

    It has the orders to ask about, the orders in progress after an approval, and the number that ShipperOne has
    accepted, by stage and kind.
    """

    candidates: tuple[Candidate, ...]
    begun: Mapping[Stage, frozenset[str]]
    accepted: Mapping[tuple[Stage, Kind], int]

    def next(self, count: int, skipped: Iterable[tuple[Stage, str]]) -> Candidate | None:
        """A draft that waits, else an order of a kind with fewer than `count` accepted ones; invoices first."""
        passed_over = set(skipped)
        open_ones = [one for one in self.candidates if (one.stage, one.order.order_id) not in passed_over]
        wanted = (
            one
            for one in open_ones
            if one.draft or any(self.accepted.get((one.stage, kind), 0) < count for kind in one.kinds)
        )
        return min(
            wanted, key=lambda one: (not one.draft, one.stage is not Stage.INVOICE, len(one.kinds)), default=None
        )


def look(settings: TenantSettings, foreseen: Sequence[Foreseen], ledger: LedgerReader) -> Look:
    """The possible questions about these orders of one tenant."""
    found: list[Candidate] = []
    begun: dict[Stage, frozenset[str]] = {}
    accepted: Counter[tuple[Stage, Kind]] = Counter()
    home = _home(foreseen)
    for stage in settings.stages:
        mine = [one for one in foreseen if one.stage is stage]
        jobs = {job.order_id: job for job in ledger.living_jobs(settings.name, stage)}
        found += _candidates(stage, mine, jobs, ledger, home)
        begun[stage] = frozenset(_begun(mine))
        for job in ledger.find_jobs(tenant=settings.name, stage=stage):
            if job.accepted:
                accepted.update((stage, kind) for kind in kinds_of(job.order, home, part=job.part))
    return Look(tuple(found), begun, accepted)


def kinds_of(order: FulfillmentOrder, home: str | None, *, part: bool) -> frozenset[Kind]:
    """The kinds of an order; `plain` if no other applies. `home`: the country of most orders."""
    parties = [party for party in (order.billing, order.customer, order.shipping) if party is not None]
    countries = {party.country for party in parties if party.country}
    found = {
        Kind.PART: part,
        Kind.TRANSFER: any(item.warehouse_code for item in order.items),
        Kind.DISCOUNT: any(item.discount for item in order.items),
        Kind.CHARGE: bool(order.charges),
        Kind.BUNDLE: any(item.parent_item_id is not None for item in order.items),
        Kind.COMPANY: any(party.company or party.vat_id for party in parties),
        Kind.FOREIGN: home is not None and bool(countries - {home}),
    }
    return frozenset(kind for kind, so in found.items() if so) or frozenset({Kind.PLAIN})


def _candidates(
    stage: Stage, foreseen: Sequence[Foreseen], jobs: Mapping[str, Job], ledger: LedgerReader, home: str | None
) -> Iterator[Candidate]:
    for one in foreseen:
        job = jobs.get(one.order_id)
        if job is not None and job.state is State.HELD:
            draft = job.reason is Reason.AWAITING_APPROVAL
            if draft or job.reason is Reason.BEFORE_GO_LIVE:
                yield Candidate(stage, job.order, _kinds(job, ledger, home), job, draft)
            continue
        for decision in one.decisions:
            if isinstance(decision, Start) or (isinstance(decision, Continue) and decision.job.step is Step.NEW):
                yield Candidate(stage, decision.job.order, _kinds(decision.job, ledger, home), job)


def _kinds(job: Job, ledger: LedgerReader, home: str | None) -> frozenset[Kind]:
    allocated = (
        ledger.jobs_of_orders(job.tenant, Stage.ALLOCATION, [job.order_id]) if job.stage is Stage.INVOICE else []
    )
    more = {str(item) for one in allocated for item in one.item_ids} - {str(item) for item in job.item_ids}
    return kinds_of(job.order, home, part=job.part or bool(more))


def _begun(foreseen: Iterable[Foreseen]) -> Iterator[str]:
    """Orders whose processing was approved, but which the process has not completed."""
    for one in foreseen:
        for decision in one.decisions:
            if not isinstance(decision, NoAction | Start) and decision.job.step is not Step.NEW:
                yield one.order_id


def _home(foreseen: Iterable[Foreseen]) -> str | None:
    countries = Counter(
        party.country
        for one in foreseen
        for decision in one.decisions
        if not isinstance(decision, NoAction)
        for party in [decision.job.order.shipping or decision.job.order.billing]
        if party is not None and party.country
    )
    return countries.most_common(1)[0][0] if countries else None


FISCAL = "  A yes cannot be undone: the invoice is issued once ShipperOne has accepted it, and then only credited."
SHIPPED = (
    "  A yes cannot be undone once ShipperOne has accepted it: the order goes to shipping. Until then it can be "
    "released."
)
DRAFTED = "  Nothing is sent yet: you are asked again with the draft, which can still be discarded then."
AT_ONCE = "  fiscal_first: a yes issues the invoice at once; then it can only be credited."


def shown(candidate: Candidate, settings: TenantSettings, stock: ErpStock | None = None) -> list[str]:
    """The effects of an approval in the ERP and at ShipperOne, and the final ones. `stock`: free quantities now."""
    order, connector = candidate.order, settings.connector
    kinds = ", ".join(sorted(candidate.kinds))
    head = f"{order.order_id} · {candidate.stage}, warehouse {order.warehouse_code} · {kinds}"
    free = stock if stock is not None and candidate.stage is Stage.ALLOCATION else ErpStock()
    rows = ", ".join(_row(order, item, free) for item in order.items)
    posted = f"  ShipperOne will get   {_body(candidate)}"
    if candidate.draft:
        issued = f"  {connector} will issue   it as a fiscal document"
        return [head, *_draft(candidate), posted, issued, FISCAL]
    if candidate.stage is Stage.ALLOCATION:
        unasked = [f"  free stock is unknown: {free.why_not}"] if free.why_not and free.can_answer else []
        return [head, f"  {connector} will reserve   {rows}", *unasked, posted, SHIPPED]
    listed = order.total_incl_tax
    total = (
        "" if listed is None else f", listed total {money_text(listed, order.currency)} {order.currency or ''}".rstrip()
    )
    return [
        head,
        f"  {connector} will build   an invoice of {rows}{total}",
        AT_ONCE if settings.fiscal_first else DRAFTED,
    ]


def _draft(candidate: Candidate) -> list[str]:
    job = candidate.job
    built = job.invoice if job is not None else None
    if job is None or built is None:
        return []
    what = f"draft {built.reference}" if built.reference else "computed only, nothing is written in the ERP yet"
    stated, currency = built.total_incl_tax, built.currency or candidate.order.currency
    total = "unknown" if stated is None else f"{money_text(stated, currency)} {built.currency or ''}".rstrip()
    listed = candidate.order.total_incl_tax
    beside = "" if listed is None else f"; ShipperOne lists {money_text(listed, currency)}"
    return [f"  in the ERP            {what}, total {total}{beside}, dated {job.tax_date or 'the day it is issued'}"]


def _body(candidate: Candidate) -> str:
    if candidate.stage is Stage.INVOICE and candidate.order.shipping_amount_incl_tax is None:
        return "nothing: no shipping amount is listed, so the order will be held"
    return confirmation_body(candidate.stage, candidate.order).decode()


def _row(order: FulfillmentOrder, item: OrderItem, stock: ErpStock) -> str:
    place = f" from {item.warehouse_code}" if item.warehouse_code else ""
    return f"{item.sku} ×{plain(item.qty)}{place}{_free(order, item, stock)}"  # noqa: RUF001


def _free(order: FulfillmentOrder, item: OrderItem, stock: ErpStock) -> str:
    answer = stock.found.get(Goods(item.sku, order.source_warehouse(item)))
    if answer is None or (answer.free is None and answer.reason is None):
        return ""
    return f" ({answer.reason})" if answer.free is None else f" (free: {plain(answer.free)})"


def became(job: Job | None) -> str:
    """The result for an order after an approval, in one line."""
    if job is None:
        return "it is no longer listed; nothing was done"
    made = f": {job.number or job.reference}" if job.number or job.reference else ""
    if job.state is State.DONE:
        return f"done{made}; ShipperOne has accepted it"
    why = f", {job.reason}: {job.sentence}" if job.reason else ""
    return f"{job.state}{made}{why}"
