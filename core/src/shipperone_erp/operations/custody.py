"""What a person says of a whole ledger: that it was restored from a copy, or is about something else now."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta

from shipperone_erp.errors import UsageError
from shipperone_erp.ledger.records import Binding, Job
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.operations.steering import act_of, listing

LONG_AGO = timedelta(days=3650)


def restored(ledger: Ledger, now: datetime, note: str | None) -> list[Job]:
    """The ledger is a copy of an earlier day. Returns what was open in it.

    An order that is no longer listed may have been confirmed since: nothing of it is released by itself, it is held
    `order_gone` until a person says what became of it. What is listed goes on under its key, which the ERP knows.
    """
    for record in ledger.queues():
        if record.last_good_read_at is not None:
            ledger.save_queue(replace(record, last_good_read_at=now - LONG_AGO))
    unfinished = [job for job in ledger.find_jobs() if not job.ended]
    for tenant in {record.tenant for record in ledger.queues()}:
        ledger.act(act_of("ledger restored", tenant, now, note))
    return unfinished


def adopt(ledger: Ledger, tenant: str, binding: Binding, now: datetime, note: str | None) -> list[str]:
    """This tenant's rows are about `binding` from now on; returns what has changed, in words.

    UsageError if jobs are unfinished that name documents: these are in the ERP (or the shop) of before.
    """
    before = ledger.binding(tenant)
    if before is None:
        raise UsageError(f"{tenant}: this ledger has never served it, so there is nothing to adopt")
    changed = [
        f"{field.name}: {getattr(before, field.name)} -> {getattr(binding, field.name)}"
        for field in fields(Binding)
        if getattr(before, field.name) != getattr(binding, field.name)
    ]
    named: Sequence[Job] = [job for job in ledger.find_jobs(tenant=tenant) if not job.ended and job.reference]
    if changed and named:
        raise UsageError(
            f"{tenant}: {len(named)} unfinished order(s) name documents of the ERP or shop of before; finish them, "
            f"or `order resolve` them:\n{listing(named)}"
        )
    if changed:
        ledger.rebind(tenant, binding, act_of("ledger adopt", tenant, now, note))
    return changed
