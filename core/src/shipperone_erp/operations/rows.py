"""The ledger as people and their scripts read it: plain values, amounts as text, times as UTC ISO-8601."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shipperone_erp.config import Configuration
from shipperone_erp.ledger.records import Effect, Job, Pause, QueueRecord
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.model.text import loads
from shipperone_erp.model.work import EffectKind, Stage, State
from shipperone_erp.reasons import Reason
from shipperone_erp.runtime.late import overdue

Row = dict[str, Any]


def iso(moment: datetime | None, timespec: str = "seconds") -> str | None:
    """'2026-03-01T12:00:00Z'; what happened one after another in a second needs `milliseconds`."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z") if moment else None


def order_row(job: Job) -> Row:
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
        "url": job.url,
        "erased_at": iso(job.erased_at),
        "erp": job.erp,
        "adopted": job.adopted,
    }


def in_order_of_urgency(jobs: Iterable[Job]) -> list[Job]:
    """Accepted and not issued first, then held, waiting, the rest; the oldest first among equals."""
    ranks = {State.HELD: 1, State.WAITING: 2, State.WORKING: 3, State.NEW: 4}

    def rank(job: Job) -> tuple[int, datetime, int]:
        late = job.accepted and job.state not in (State.DONE,)
        return (0 if late else ranks.get(job.state, 5)), job.since, job.id

    return sorted(jobs, key=rank)


def order_story(ledger: Ledger, job: Job) -> Row:
    """A job with its timeline, its differences, its bodies, and what people did."""
    return {
        **order_row(job),
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
    """Why a stage rests: by a person's word, or because ShipperOne's queue cannot be read."""
    if pause is not None:
        note = f": {pause.note}" if pause.note else ""
        return {"paused": f"by {pause.actor}", "sentence": f"paused by {pause.actor} at {iso(pause.at)}{note}"}
    if record is not None and record.paused_reason is not None:
        return {"paused": record.paused_reason.value, "sentence": record.paused_sentence}
    return {"paused": None, "sentence": None}


def status_rows(configuration: Configuration, ledger: Ledger, now: datetime) -> list[Row]:
    """Per tenant and stage: what is pending, waiting, held, and for which reasons; the oldest; the last good read;
    whether it is paused; which process serves it (or did, if it was killed)."""
    rows: list[Row] = []
    not_compared = ledger.not_compared()
    queues = {(record.tenant, record.stage): record for record in ledger.queues()}
    pauses = {(pause.tenant, pause.stage): pause for pause in ledger.pauses()}
    leases = {lease.name: lease for lease in ledger.leases()}
    stages = {tenant.name: list(tenant.stages) for tenant in configuration.tenants.values()}
    for problem in configuration.problems:  # perhaps only as seen from here: the service may have what is missing
        if problem.tenant is not None:
            stages[problem.tenant] = [stage for tenant, stage in queues if tenant == problem.tenant]
    for tenant, of_tenant in stages.items():
        for stage in of_tenant:
            jobs = ledger.unfinished_jobs(tenant, stage)
            count = Counter(job.state for job in jobs)
            record = queues.get((tenant, stage))
            known = configuration.tenants.get(tenant)
            lease = leases.get(f"{tenant}/{stage}")
            oldest = min((job.first_listed_at for job in jobs if job.state is not State.IGNORED), default=None)
            rows.append(
                {
                    "tenant": tenant,
                    "stage": stage.value,
                    "pending": count[State.NEW] + count[State.WORKING],
                    "waiting": count[State.WAITING],
                    "held": count[State.HELD],
                    "ignored": count[State.IGNORED],
                    "accepted_not_issued": sum(1 for job in jobs if job.accepted and stage is Stage.INVOICE),
                    "reserved_not_shipped": sum(1 for job in jobs if job.reason is Reason.RESERVED_NOT_SHIPPED),
                    "overdue": sum(1 for job in jobs if known and overdue(job, known.invoice_within, now)),
                    "not_compared": not_compared.get((tenant, stage), 0),
                    "oldest": iso(oldest),
                    "last_good_cycle": iso(record.last_good_read_at) if record else None,
                    "reasons": dict(Counter(job.reason.value for job in jobs if job.reason).most_common()),
                    "served_by": lease.served_by if lease else None,
                    **_paused(record, pauses.get((tenant, stage))),
                }
            )
    for problem in configuration.problems:
        rows.append({"tenant": problem.tenant, "stage": None, "paused": "config_incomplete", "sentence": str(problem)})
    return rows
