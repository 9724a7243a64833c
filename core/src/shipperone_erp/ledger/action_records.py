"""Operator actions on a ledger: changing a job, pausing, resuming. Each function is a part of a transaction."""

from sqlalchemy import Connection, delete, insert, update

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import Pause
from shipperone_erp.ledger.schema import jobs, pauses
from shipperone_erp.ledger.statements import FIXED


def pause(connection: Connection, pause: Pause) -> None:
    """Pause the stage; replaces an existing pause."""
    resume(connection, pause)
    connection.execute(insert(pauses).values(**{name: getattr(pause, name) for name in pauses.c.keys()}))  # noqa: SIM118


def resume(connection: Connection, pause: Pause) -> bool:
    """Resume the stage; False if it was not paused."""
    found = delete(pauses).where(pauses.c.tenant == pause.tenant, pauses.c.stage == pause.stage)
    return connection.execute(found).rowcount > 0


def steer(connection: Connection, before: Job, after: Job) -> bool:
    """Replace the job by `after` if it still equals `before` and no stage has claimed it; else do nothing: False."""
    steered = update(jobs).where(
        jobs.c.id == before.id,
        jobs.c.state == before.state,
        jobs.c.step == before.step,
        jobs.c.since == before.since,
        jobs.c.attempts == before.attempts,
        jobs.c.credits == before.credits,
        ~jobs.c.taken,
    )
    changes = {column.name: getattr(after, column.name) for column in jobs.c if column.name not in FIXED}
    return connection.execute(steered.values(**changes)).rowcount == 1


def relabel(connection: Connection, tenant: str, erp: str) -> None:
    """Record that the references of this tenant belong to that ERP."""
    connection.execute(update(jobs).where(jobs.c.tenant == tenant, jobs.c.erp.is_not(None)).values(erp=erp))
