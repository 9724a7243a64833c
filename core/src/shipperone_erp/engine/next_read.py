"""Decides when a job requires the next read of its queue. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shipperone_erp.domain.absence import doubt_since
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import State

SHORTEST_DOUBT = timedelta(seconds=0.5)
"""The shortest time until the next read after one that proved nothing about an unknown outcome."""


@dataclass(frozen=True, slots=True)
class LastRead:
    """When the newest read was planned, whether it was complete, and the orders that are worked on now."""

    planned_at: datetime
    complete: bool
    running: frozenset[str]


def next_read_for(job: Job, last: LastRead, settle: timedelta) -> datetime | None:
    """When this job requires the next read; None if only a change of the queue, or an operator, can move it.

    A job that was due already and was left unchanged (not listed, or not readable) requires no further read.
    """
    if job.lost_at is not None and job.state not in (State.HELD, State.IGNORED):
        doubted = doubt_since(job)
        if doubted is not None:
            # soon after the doubt began, then ever less often: a queue that keeps changing is not read continuously
            return last.planned_at + max((last.planned_at - doubted) / 4, SHORTEST_DOUBT)
        return job.lost_at + settle if last.complete else None
    if job.next_attempt_at is None or (job.state, job.reason) == (State.WAITING, Reason.PLATFORM_AUTH):
        return None
    return job.next_attempt_at if job.next_attempt_at > last.planned_at or job.order_id in last.running else None
