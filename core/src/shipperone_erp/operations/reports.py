"""The ledger for operators and their scripts: plain values, amounts as text, times as UTC ISO-8601."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shipperone_erp.config import Configuration, TenantSettings
from shipperone_erp.domain.disproved_denials import DISPROVED_WITHIN, disproved_sentence
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.money import rounded
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import Effect, JobCount, JobSummary, Pause, QueueRecord
from shipperone_erp.domain.states import EffectKind, Stage, State
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.kernel.json import loads
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.stalled_stages import silence

Row = dict[str, Any]

NO_TAX = "no rate, tax or net row is listed for some item, or the ERP states no tax"
"""The reason why the tax of an invoice was not compared."""


def iso(moment: datetime | None, timespec: str = "seconds") -> str | None:
    """'2026-03-01T12:00:00Z'. Events within one second need `milliseconds`."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z") if moment else None


def money_text(amount: Decimal, currency: str | None) -> str:
    """The amount with the currency's decimals, or with more if it has more."""
    usual = rounded(amount, currency)
    return f"{usual if usual == amount else amount:f}"


def order_row(job: Job | JobSummary) -> Row:
    """A job as `orders` lists it."""
    return {
        "tenant": job.tenant,
        "stage": job.stage.value,
        "order_id": job.order_id,
        "item_ids": list(job.item_ids),
        "key": job.key,
        "state": job.state.value,
        "reason": job.reason.value if job.reason else None,
        "sentence": job.sentence,
        "owner": job.owner.value if job.owner else None,
        "since": iso(job.since),
        "attempts": job.attempts,
        "next_attempt_at": iso(job.next_attempt_at),
        "reference": job.reference,
        "number": job.number,
        "step": job.step.value,
        "accepted_at": iso(job.accepted_at),
        "inferred": job.inferred,
        "not_compared": not job.compared,
        "tax_not_compared": tax_not_compared(job),
        "url": job.url,
        "erased_at": iso(job.erased_at),
        "erp": job.erp,
        "adopted": job.adopted_at is not None,
    }


def in_order_of_urgency(jobs: Iterable[Job]) -> list[Job]:
    """Accepted and not issued jobs first, then held, waiting, the rest; within each the oldest first."""
    ranks = {State.HELD: 1, State.WAITING: 2, State.WORKING: 3, State.NEW: 4}

    def rank(job: Job) -> tuple[int, datetime, int]:
        late = job.accepted and job.state not in (State.DONE,)
        return (0 if late else ranks.get(job.state, 5)), job.since, job.id

    return sorted(jobs, key=rank)


def order_story(ledger: Ledger, job: Job) -> Row:
    """A job with its timeline, its differences, its bodies, and the commands of operators."""
    return {
        **order_row(job),
        "tax_date": job.tax_date.isoformat() if job.tax_date else None,
        "supply_date": job.supply_date.isoformat() if job.supply_date else None,
        "issue_date": job.issue_date.isoformat() if job.issue_date else None,
        "first_listed_at": iso(job.first_listed_at),
        "timeline": [_effect_row(effect) for effect in ledger.effects(job.id)],
        "differences": [
            {"field": difference.field, "ours": difference.ours, "theirs": difference.theirs}
            for difference in job.differences
        ],
        "charges": [
            {"name": charge.name, "amount": str(charge.amount), "kind": charge.kind} for charge in job.order.charges
        ],
        "order": _texts(loads(job.order_json)),
        "invoice": _texts(loads(job.invoice_json)) if job.invoice_json else None,
        "actions": [
            {"at": iso(action.at, "milliseconds"), "actor": action.actor, "action": action.action, "note": action.note}
            for action in ledger.actions(job.id)
        ],
    }


def tax_not_compared(job: Job | JobSummary) -> bool:
    """Whether it is an accepted invoice with a tax that ShipperOne's listing does not allow to compare."""
    return job.accepted_at is not None and not job.tax_compared


def _effect_row(effect: Effect) -> Row:
    return {
        "at": iso(effect.intent_at, "milliseconds"),
        "side": "shipperone" if effect.kind is EffectKind.CONFIRM else "erp",
        "what": effect.kind.value,
        "key": effect.key,
        "outcome": effect.outcome.value if effect.outcome else "under way",
        "ended_at": iso(effect.outcome_at, "milliseconds"),
        "request": effect.request,
        "answer": effect.answer,
    }


AMOUNTS = frozenset(
    {"qty", "price_incl_tax", "row_total_incl_tax", "tax_percent", "tax_amount", "discount"}
    | {"shipping_amount_incl_tax", "total_incl_tax", "amount"}
)


def _texts(value: Any, key: str = "") -> Any:
    if isinstance(value, Decimal) or (key in AMOUNTS and isinstance(value, int)):
        return str(value)
    if isinstance(value, dict):
        return {key: _texts(entry, key) for key, entry in value.items()}
    if isinstance(value, list):
        return [_texts(entry) for entry in value]
    return value


def _paused(record: QueueRecord | None, pause: Pause | None) -> Row:
    """The reason why a stage is paused: an operator's command, or a queue that cannot be read."""
    if pause is not None:
        note = f": {pause.note}" if pause.note else ""
        return {"paused": f"by {pause.actor}", "sentence": f"paused by {pause.actor} at {iso(pause.at)}{note}"}
    if record is not None and record.paused_reason is not None:
        return {"paused": record.paused_reason.value, "sentence": record.paused_sentence}
    return {"paused": None, "sentence": None}


def status_rows(configuration: Configuration, ledger: Ledger, now: datetime) -> list[Row]:
    """The rows of `status`, one for each tenant and stage.

    Each has the numbers of pending, waiting and held jobs with their reasons and owners, the oldest job, the last good
    read, any pause, and the process that serves the stage (or served it before it was killed).
    """
    rows: list[Row] = []
    not_compared, taxes = ledger.not_compared(), ledger.tax_not_compared()
    disproved = ledger.disproved(now - DISPROVED_WITHIN)
    queues = {(record.tenant, record.stage): record for record in ledger.queues()}
    pauses = {(pause.tenant, pause.stage): pause for pause in ledger.pauses()}
    leases = {lease.name: lease for lease in ledger.leases()}
    counts = grouped(ledger.counts(), key=lambda alike: (alike.tenant, alike.stage))
    stages = {tenant.name: list(tenant.stages) for tenant in configuration.tenants.values()}
    incomplete = [problem.tenant for problem in configuration.problems if problem.tenant is not None]
    # possibly local to this machine: the service may have the missing part
    stages |= {name: [stage for tenant, stage in queues if tenant == name] for name in incomplete}
    for tenant, of_tenant in stages.items():
        known = configuration.tenants.get(tenant)
        for stage in of_tenant:
            record = queues.get((tenant, stage))
            lease = leases.get(f"{tenant}/{stage}")
            rows.append(
                {
                    "tenant": tenant,
                    "stage": stage.value,
                    **_counted(stage, counts.get((tenant, stage), [])),
                    "overdue": _overdue(ledger, known, stage, counts.get((tenant, stage), []), now) if known else 0,
                    "not_compared": not_compared.get((tenant, stage), 0),
                    "tax_not_compared": taxes.get((tenant, stage), 0),
                    "denials": disproved_sentence(*disproved.get((tenant, stage), (0, ""))),
                    "last_good_cycle": iso(record.last_good_read_at) if record else None,
                    "served_by": lease.served_by if lease else None,
                    "silent": silence(record, lease, known, now) if (tenant, stage) not in pauses and known else None,
                    **_paused(record, pauses.get((tenant, stage))),
                }
            )
    return rows + [
        {"tenant": problem.tenant, "stage": None, "paused": "config_incomplete", "sentence": str(problem)}
        for problem in configuration.problems
    ]


def _counted(stage: Stage, counts: Collection[JobCount]) -> Row:
    """The counts in a row of `status`: the unfinished jobs of one stage."""
    states: Counter[State] = Counter()
    reasons: Counter[str] = Counter()
    owners: Counter[str] = Counter()
    for alike in counts:
        states[alike.state] += alike.count
        if alike.reason is not None:
            reasons[alike.reason.value] += alike.count
        if alike.owner is not None and alike.state is not State.IGNORED:
            owners[alike.owner.value] += alike.count
    return {
        "pending": states[State.NEW] + states[State.WORKING],
        "waiting": states[State.WAITING],
        "held": states[State.HELD],
        "ignored": states[State.IGNORED],
        "accepted_not_issued": sum(alike.count for alike in counts if alike.accepted and stage is Stage.INVOICE),
        "reserved_not_shipped": reasons[Reason.RESERVED_NOT_SHIPPED.value],
        "oldest": iso(min((alike.oldest for alike in counts if alike.state is not State.IGNORED), default=None)),
        "reasons": dict(reasons.most_common()),
        "owners": dict(owners.most_common()),
    }


def _overdue(
    ledger: Ledger, settings: TenantSettings, stage: Stage, counts: Collection[JobCount], now: datetime
) -> int:
    """How many orders have shipped and are not invoiced within `invoice_within`."""
    moment = now - settings.invoice_within
    # most tenants have none, which the counts of a single query already show
    if stage is not Stage.INVOICE or not any(
        alike.oldest <= moment for alike in counts if alike.state is not State.IGNORED
    ):
        return 0
    # of accepted jobs the invoice shows whether it is issued; the ledger only counts all others
    accepted = ledger.accepted_before(settings.name, stage, moment)
    unissued = sum(1 for job in accepted if job.overdue(settings.invoice_within, now))
    return unissued + ledger.not_accepted_before(settings.name, stage, moment)
