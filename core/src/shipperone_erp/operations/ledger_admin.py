"""An operator's statements about a whole ledger: it is a restored copy, or it belongs to another ERP or shop now."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import RESTORED, Binding
from shipperone_erp.domain.states import State
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.actors import new_action
from shipperone_erp.operations.job_actions import has_changed
from shipperone_erp.operations.job_selection import listing

LONG_AGO = timedelta(days=3650)


def restored(ledger: Ledger, now: datetime, note: str | None) -> list[Job]:
    """The ledger is a copy of an earlier day. Returns its open jobs, whose actual state is unknown from now on.

    An order that is still listed is resumed by querying the ERP for the document of its key, which may exist by now. An
    order that is no longer listed may have been confirmed in the meantime: it counts as confirmed if the ERP has issued
    its invoice, or if it is in pending_invoice. Otherwise it is held as `order_gone`, and nothing of it is released
    automatically.
    """
    for record in ledger.queues():
        if record.last_good_read_at is not None:
            ledger.save_queue(replace(record, last_good_read_at=now - LONG_AGO))
    unfinished = [job for job in ledger.find_jobs() if not job.ended]
    steered = [
        (job, job.of_restored_ledger(), new_action(RESTORED, job.tenant, now, note, job.id))
        for job in unfinished
        if job.open and job.state is not State.IGNORED
    ]
    changed = ledger.steer_all(steered)
    if changed is not None:
        raise has_changed(changed)
    for tenant in {record.tenant for record in ledger.queues()}:
        ledger.act(new_action(RESTORED, tenant, now, note))
    return unfinished


def adopt(
    ledger: Ledger, tenant: str, binding: Binding, now: datetime, note: str | None, *, drop_references: bool = False
) -> tuple[list[str], list[Job]]:
    """Bind this tenant's rows to `binding` from now on. Returns the changes, in words, and the jobs whose references
    were dropped.

    UsageError if unfinished jobs name documents, since these are in the previous ERP (or shop). With `drop_references`
    these jobs are held as `erp_changed` without their references; after `order retry` their documents are created again
    by key.
    """
    before = ledger.binding(tenant)
    if before is None:
        raise UsageError(f"{tenant}: this ledger has never served this tenant, so there is nothing to adopt")
    changed = [
        f"{field.name}: {getattr(before, field.name)} -> {getattr(binding, field.name)}"
        for field in fields(Binding)
        if getattr(before, field.name) != getattr(binding, field.name)
    ]
    if not changed:
        return [], []
    named: Sequence[Job] = [job for job in ledger.find_jobs(tenant=tenant) if not job.ended and job.reference]
    if named and not drop_references:
        head = (
            f"{tenant}: {len(named)} unfinished order(s) name documents of the previous ERP or shop; finish them, "
            "`order resolve` them, or use --drop-references, which holds them as erp_changed:"
        )
        raise UsageError("\n".join([head, *listing(named)]))
    dropped = [
        (job, _dropped(job, before, now), new_action("drop references", tenant, now, note, job.id)) for job in named
    ]
    what = new_action("ledger adopt --drop-references" if drop_references else "ledger adopt", tenant, now, note)
    faster = ledger.rebind(tenant, binding, what, dropped=dropped if drop_references else None)
    if faster is not None:
        raise has_changed(faster)
    return changed, list(named)


def _dropped(job: Job, before: Binding, now: datetime) -> Job:
    done = job.accepted and job.invoice is not None and job.invoice.issued
    number = f", number {job.number}" if job.number else ""
    then = (
        "complete its delivery there, then run `order resolve --outcome confirmed`"
        if done
        else "`order retry` creates it again under its key in the current ERP"
    )
    there = f"{job.reference}{number} is in {job.erp or before.identity}, which is no longer the tenant's ERP"
    return job.reference_dropped(now, f"{there}: {then}")
