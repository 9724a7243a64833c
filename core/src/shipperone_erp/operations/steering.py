"""What a person tells the runtime to do about a job. Every act is recorded with its actor; none touches an ERP.

A running service takes it up with its next cycle. Each act changes a job only if it still is as it was looked at.
"""

import getpass
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shipperone_erp.errors import UsageError
from shipperone_erp.ledger.records import Action, Job, Pause, QueueRecord, new_id
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.model.work import Stage, State, Step
from shipperone_erp.reasons import Reason


@dataclass(frozen=True, slots=True)
class Pick:
    """Which job is meant: an order's id (or a key), narrowed down by tenant, stage and key."""

    order_id: str
    tenant: str | None = None
    stage: Stage | None = None
    key: str | None = None


def actor() -> str:
    """Who acts: the user of this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def pick(ledger: Ledger, wanted: Pick, fits: Callable[[Job], bool], act: str) -> Job:
    """The one job that is meant and that this act can be done to. UsageError if there is none, or several."""
    jobs = ledger.find_jobs(tenant=wanted.tenant, stage=wanted.stage, order_id=wanted.order_id, key=wanted.key)
    if not jobs:
        jobs = ledger.find_jobs(tenant=wanted.tenant, stage=wanted.stage, key=wanted.order_id)
    if not jobs:
        raise UsageError(f"no job of order {wanted.order_id} is known; `shipperone-erp orders` lists what is")
    fitting = [job for job in jobs if fits(job)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise UsageError(f"nothing of order {wanted.order_id} can be {act}:\n{listing(jobs)}")
    raise UsageError(
        f"{len(fitting)} jobs of order {wanted.order_id} can be {act}; say which by --tenant, --stage or --key:\n"
        + listing(fitting)
    )


def listing(jobs: Sequence[Job]) -> str:
    """One line a job, to tell them apart."""
    return "\n".join(f"  {job.tenant} {job.stage} {job.key}  {job.state} {job.reason or ''}".rstrip() for job in jobs)


def retry(ledger: Ledger, job: Job, now: datetime, note: str | None, *, rebuild: bool = False) -> None:
    """Take the job up again, with fresh reads of both sides and the counts of automatic resolutions at zero.

    `rebuild`: what it has made is undone first, and the next generation is made. UsageError for a job that ShipperOne
    has accepted: of it only the very same document may be issued.
    """
    if rebuild and job.accepted:
        raise UsageError(
            f"{job.key}: ShipperOne has accepted it, so it is not built anew; `order retry` alone goes on with it"
        )
    fresh = job.with_(
        state=State.NEW,
        reason=None,
        sentence=None,
        owner=None,
        next_attempt_at=None,
        since=now,
        attempts=0,
        retries=0,
        rebuilds=0,
        accepts=0,
        crashes_alone=0,
        settle_reads=(),
        absent_since=None,
        absent_reads=0,
        absence_doubtful=False,
        differences=(),
        open=not job.accepted,
    )
    if (job.step is Step.NEW and not job.accepted) or rebuild:
        # nothing is in the ERP yet, or what is there is to be undone: it ends, and planning looks at the order as if
        # for the first time
        fresh = fresh.with_(ending=State.SUPERSEDED)
    _steer(ledger, job, fresh, "retry --rebuild" if rebuild else "retry", now, note)


def held_for(ledger: Ledger, reason: Reason, tenant: str | None, stage: Stage | None) -> list[Job]:
    """Every job that is held or waits for that reason, for a retry of all of them."""
    jobs = ledger.find_jobs(tenant=tenant, stage=stage, reason=reason, states=[State.HELD, State.WAITING])
    return [job for job in jobs if can_be_retried(job)]


def resolve(
    ledger: Ledger, job: Job, now: datetime, note: str | None, *, outcome: Literal["confirmed", "cancelled"]
) -> None:
    """A person says how it ended. If ShipperOne still lists it afterwards, it comes up again by itself.

    Where ShipperOne's answer was lost this says what it was: `confirmed` goes on as accepted (an invoice is issued),
    `cancelled` means that nothing was taken, and planning looks at the order afresh. Anywhere else the job was handled
    by hand, and ends: nothing is called, and what it has made in the ERP is left to the person.
    """
    plain: dict[str, object] = {
        "reason": None, "owner": None, "next_attempt_at": None, "since": now, "lost_at": None, "settle_reads": (),
        "absent_since": None, "absent_reads": 0, "absence_doubtful": False, "differences": (),
    }  # fmt: skip
    by_hand = f"handled by hand: {outcome}, as {actor()} said"
    if outcome == "confirmed":
        accepted = {**plain, "open": False, "accepted_at": now, "inferred": True}
        if job.lost_at is not None:
            fresh = job.with_(**accepted, state=State.NEW, step=Step.ACCEPTED, sentence=None, attempts=0)
        else:
            fresh = job.with_(**accepted, state=State.DONE, step=Step.DONE, sentence=by_hand)
    elif job.lost_at is not None:
        fresh = job.with_(**plain, state=State.NEW, sentence=None)
    else:
        fresh = job.with_(**plain, open=False, state=State.GONE, sentence=by_hand)
    _steer(ledger, job, fresh, f"resolve --outcome {outcome}", now, note)


def ignore(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """Leave it alone for good, with what it has made; only `order retry` takes it up again."""
    fresh = job.with_(state=State.IGNORED, open=False, since=now, next_attempt_at=None, lost_at=None, settle_reads=())
    _steer(ledger, job, fresh, "ignore", now, note)


def can_be_ended(job: Job) -> bool:
    """Held or waiting, and not accepted: of what ShipperOne has accepted a person may only say `retry`."""
    return job.state in (State.HELD, State.WAITING) and not job.accepted


def pause(ledger: Ledger, tenant: str, stages: Sequence[Stage], now: datetime, note: str | None) -> None:
    """These stages begin nothing from now on; what is inside a call goes to its next recorded point."""
    for stage in stages:
        ledger.pause(
            Pause(tenant=tenant, stage=stage, at=now, actor=actor(), note=note), act_of("pause", tenant, now, note)
        )


def resume(ledger: Ledger, tenant: str, stages: Sequence[Stage], now: datetime, note: str | None) -> list[Stage]:
    """They go on; those of them that were paused."""
    return [
        stage
        for stage in stages
        if ledger.resume(Pause(tenant=tenant, stage=stage, at=now, actor=actor()), act_of("resume", tenant, now, note))
    ]


def can_be_retried(job: Job) -> bool:
    """Held, waiting or ignored; what a person alone can say `repeat` to is not retried."""
    return job.state in (State.HELD, State.WAITING, State.IGNORED) and job.reason is not Reason.LISTED_AGAIN


def repeat(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """It is a true second shipment of the same items in the same quantity: let it go on under its own key."""
    fresh = job.with_(state=State.NEW, reason=None, sentence=None, owner=None, since=now)
    _steer(ledger, job, fresh, "repeat", now, note)


def can_be_repeated(job: Job) -> bool:
    """Held because the same was confirmed before."""
    return job.state is State.HELD and job.reason is Reason.LISTED_AGAIN


def go_live(ledger: Ledger, tenant: str, stages: Sequence[Stage], now: datetime, *, from_now: bool) -> list[Job]:
    """Let go on (or, `from_now`, leave alone) what was listed before this tenant went live. May be called again.

    UsageError with `from_now` if a queue was never read: what is listed now is not known then.
    """
    records = {stage: ledger.queue(tenant, stage) or QueueRecord(tenant=tenant, stage=stage) for stage in stages}
    unread = [stage for stage, record in records.items() if record.first_read_at is None]
    if from_now and unread:
        raise UsageError(
            f"{tenant}: the queue of {unread[0]} was never read, so what is listed now is not known; "
            f"`shipperone-erp run --once --tenant {tenant}` reads it and holds what it finds"
        )
    waiting = [
        job
        for job in ledger.find_jobs(tenant=tenant, states=[State.HELD], reason=Reason.BEFORE_GO_LIVE)
        if job.stage in records
    ]
    for job in waiting:
        if from_now:
            fresh = job.with_(state=State.IGNORED, open=False, since=now)
        else:
            fresh = job.with_(state=State.NEW, reason=None, sentence=None, owner=None, since=now)
        _steer(ledger, job, fresh, "go-live --from-now" if from_now else "go-live --all", now, None)
    for record in records.values():
        ledger.save_queue(replace(record, live_at=record.live_at or now))
    return waiting


def act_of(what: str, tenant: str, now: datetime, note: str | None, job_id: int | None = None) -> Action:
    """What is recorded of an act, with the user of this machine as its actor."""
    return Action(id=new_id(), at=now, actor=actor(), action=what, tenant=tenant, job_id=job_id, note=note)


def _steer(ledger: Ledger, before: Job, after: Job, what: str, now: datetime, note: str | None) -> None:
    if not ledger.steer(before, after, act_of(what, before.tenant, now, note, before.id)):
        raise UsageError(
            f"{before.key} has just changed; look again with `shipperone-erp order show {before.order_id}`"
        )
