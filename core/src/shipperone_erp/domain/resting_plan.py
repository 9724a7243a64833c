"""Whether a plan does nothing, and until when every plan of the same listing and jobs does nothing either. Pure.

`planner.plan` is a function of listing, jobs, rules and time. Where listing and jobs are unchanged, only time can
change the plan: tests/unit/domain/test_resting_plan.py compares plans at later times.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from shipperone_erp.domain.allocation_release import to_be_given_back
from shipperone_erp.domain.decisions import Decision, NoAction
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listing
from shipperone_erp.domain.planner_input import PlannerInput
from shipperone_erp.domain.states import State


def rests(decisions: Iterable[Decision], listing: Listing, planner_input: PlannerInput) -> bool:
    """Nothing is done or under way, and no other read (a proving one, of the other queue, of failed orders) is wanted.

    Never true while an outcome is unknown: how soon its queue is read again depends on the last plan.
    """
    return (
        listing.complete
        and not planner_input.busy
        and all(isinstance(decision, NoAction) and not decision.wants_proof for decision in decisions)
        and not any(_wants_reads(job) for job in planner_input.jobs)
    )


def changes_at(planner_input: PlannerInput, listing: Listing, settle: timedelta) -> datetime | None:
    """The earliest moment at which a resting plan may change by time alone; None if it never does.

    Moments since the read began count too: some decisions compare them with the time of the read, not of the plan.
    """
    moments = (moment for job in planner_input.jobs for moment in _moments(job, settle))
    return min((moment for moment in moments if moment > listing.began_at), default=None)


def _wants_reads(job: Job) -> bool:
    unknown = job.lost_at is not None and job.state not in (State.HELD, State.IGNORED)
    return not job.ended and (unknown or job.absence_doubtful or to_be_given_back(job))


def _moments(job: Job, settle: timedelta) -> Iterator[datetime]:
    if job.next_attempt_at is not None:
        yield job.next_attempt_at
    if job.accepted_at is not None:
        yield job.accepted_at
    if job.lost_at is not None:
        yield job.lost_at + settle
