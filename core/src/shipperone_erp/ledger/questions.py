"""What the ledger is asked beyond single orders: whose number it is, what never shipped, what is open in the ERP."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, select

from shipperone_erp.ledger.schema import ALLOCATED, bindings, jobs
from shipperone_erp.model.work import Stage, State

_theirs, _ours = bindings.alias("theirs"), bindings.alias("ours")
_invoices = jobs.alias("invoices")

_ON_THE_SAME_ERP = select(_theirs.c.tenant).where(
    _ours.c.tenant == bindparam("of_tenant"),
    _theirs.c.connector == _ours.c.connector,
    _theirs.c.identity == _ours.c.identity,
)

HOLDER_OF_NUMBER = (
    select(jobs)
    .where(
        jobs.c.number == bindparam("of_number"),
        jobs.c.key != bindparam("not_key"),
        jobs.c.tenant.in_(_ON_THE_SAME_ERP),
        jobs.c.state != State.SUPERSEDED,
    )
    .order_by(jobs.c.id)
    .limit(1)
)
"""The job under another key whose invoice has this number, of any tenant on the same ERP."""


def unshipped(tenant: str, after: datetime | None, before: datetime) -> Select[Any]:
    """Reservations that ShipperOne was told of between these times, of orders that never came to an invoice."""
    came = exists().where(
        _invoices.c.order_id == jobs.c.order_id,
        _invoices.c.tenant == jobs.c.tenant,
        _invoices.c.stage == Stage.INVOICE,
    )
    query = select(jobs).where(
        ALLOCATED, jobs.c.tenant == tenant, jobs.c.accepted_at <= before, jobs.c.reference.is_not(None), ~came
    )
    if after is not None:
        query = query.where(jobs.c.accepted_at > after)
    return query.order_by(jobs.c.id)


def reservations(tenant: str | None) -> Select[Any]:
    """Allocation jobs with a reservation that nobody gave back, unless the whole order is invoiced and done."""
    whole = exists().where(
        _invoices.c.order_id == jobs.c.order_id,
        _invoices.c.tenant == jobs.c.tenant,
        _invoices.c.stage == Stage.INVOICE,
        _invoices.c.state == State.DONE,
        _invoices.c.part.is_(False),
    )
    query = select(jobs).where(
        jobs.c.stage == Stage.ALLOCATION,
        func.length(jobs.c.reference) > 0,
        jobs.c.state.not_in([State.GONE, State.SUPERSEDED]),
        ~whole,
    )
    if tenant is not None:
        query = query.where(jobs.c.tenant == tenant)
    return query.order_by(jobs.c.id)
