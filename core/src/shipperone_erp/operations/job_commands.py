"""What a person tells the runtime to do about a job. Every act is recorded with its actor; none touches an ERP.

A running service takes it up with its next cycle. Each act changes a job only if it still is as it was looked at.
"""

import os
import pwd
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from shipperone_erp.domain.approved_totals import at_total
from shipperone_erp.domain.ids import new_id
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import Action, Pause
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.domain.without_vat import vat_mark
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.kernel.printable import one_line
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.workflow.approval import mark


@dataclass(frozen=True, slots=True)
class Pick:
    """Which job is meant: an order's id (or a key), narrowed down by tenant, stage and key."""

    order_id: str
    tenant: str | None = None
    stage: Stage | None = None
    key: str | None = None


_ACTING: ContextVar[str | None] = ContextVar("acting", default=None)
"""Whom the operations page acts for, within one request."""


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """While inside, in this task and the threads that it starts, acts are recorded under that name."""
    token = _ACTING.set(name)
    try:
        yield
    finally:
        _ACTING.reset(token)


def actor() -> str:
    """Who acts: someone on the page, or the effective user of this process. No environment variable counts."""
    if (named := _ACTING.get()) is not None:
        return named
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # such as in a container that runs under a bare number
        return f"uid {number}"


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
        instead = dict.fromkeys(f"  {hint}" for job in jobs if not job.ended and (hint := _instead(job)))
        raise UsageError(
            "\n".join(
                [f"nothing of order {wanted.order_id} can be {act}:", *listing(jobs), *(f"  {i}" for i in instead)]
            )
        )
    head = f"{len(fitting)} jobs of order {wanted.order_id} can be {act}; say which by --tenant, --stage or --key:"
    raise UsageError("\n".join([head, *listing(fitting)]))


def listing(jobs: Sequence[Job]) -> list[str]:
    """One line a job, to tell them apart."""

    def line(job: Job) -> str:
        document = job.number or job.reference
        made = f"  in the ERP: {document}" if document else ""
        return one_line(f"  {job.tenant} {job.stage} {job.key}  {job.state} {job.reason or ''}".rstrip() + made)

    return [line(job) for job in jobs]


INSTEAD = {
    Reason.LISTED_AGAIN: "`order repeat` says that it is a true second shipment",
    Reason.AWAITING_APPROVAL: "`order approve` lets it go on; `order retry --rebuild` has it made anew",
    Reason.RESERVED_NOT_SHIPPED: "`order release --note …` gives the reservation back",
}
"""What fits where another act does not."""


def _instead(job: Job) -> str | None:
    if job.adopted:
        return f"{job.reference} was made elsewhere: nothing of it is built, undone or given back from here"
    if job.accepted and job.ending is not None:
        return f"{job.reference} is being given back"
    return INSTEAD.get(job.reason) if job.reason else None


def retry(ledger: Ledger, job: Job, now: datetime, note: str | None, *, rebuild: bool = False) -> None:
    """Take the job up again, with fresh reads of both sides and the counts of automatic resolutions at zero.

    `rebuild`: what it has made is undone first, and the next generation is made. UsageError for a job that ShipperOne
    has accepted: of it only the very same document may be issued.
    """
    if rebuild and job.accepted:
        raise UsageError(
            f"{job.key}: ShipperOne has accepted it, so it is not built anew; `order retry` alone goes on with it. If "
            "its document is not in the ERP any more: `order retry --rebuild`"
        )
    fresh = job.retried(now, rebuild=rebuild)
    steer(ledger, job, fresh, "retry --rebuild" if rebuild else "retry", now, note)


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
    by hand, and ends: nothing is called, and what it has made in the ERP is left to the person. Of an invoice that is
    issued only `confirmed` can be said: its goods were booked out by hand.
    """
    if job.accepted:
        if outcome == "cancelled":
            raise UsageError(
                f"{job.key}: ShipperOne has accepted it; only `--outcome confirmed` can be said: what was left of it "
                "was done by hand"
            )
        finished = job.finished_by_hand(now, f"finished by hand, as {actor()} said")
        steer(ledger, job, finished, f"resolve --outcome {outcome}", now, note)
        return
    by_hand = f"handled by hand: {outcome}, as {actor()} said"
    confirmed = outcome == "confirmed"
    fresh = job.resolved_confirmed(now, by_hand) if confirmed else job.resolved_cancelled(now, by_hand)
    steer(ledger, job, fresh, f"resolve --outcome {outcome}", now, note)


def ignore(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """Leave it alone for good, with what it has made; only `order retry` takes it up again.

    That an answer of ShipperOne was lost is not forgotten: taken up again, it is settled first.
    """
    steer(ledger, job, job.ignored(now), "ignore", now, note)


def what_follows(job: Job) -> str:
    """What happens to a job that a person has just said something about, in words."""
    # a reservation that was confirmed is used; whatever else it has made nobody touches any more
    used = job.stage is Stage.ALLOCATION and job.state is State.DONE
    left = f"; {job.reference} in the ERP is left to you" if job.reference and not used else ""
    match job.state:
        case State.IGNORED:
            return f"it is left alone until `order retry`{left}"
        case State.DONE | State.GONE:
            return f"it has ended; if ShipperOne still lists it, it comes up again{left}"
        case _:
            return "a running service takes it up at once"


def can_be_ended(job: Job) -> bool:
    """Held or waiting, and not accepted: of what ShipperOne has accepted a person may only say `retry`."""
    return job.state in (State.HELD, State.WAITING) and not job.accepted


def can_be_resolved(job: Job) -> bool:
    """As `can_be_ended`; of what is accepted: only its delivery is left, or its document is in an ERP of before."""
    by_hand = job.step in (Step.ISSUED, Step.DELIVERING) or job.reason is Reason.ERP_CHANGED
    return can_be_ended(job) or (job.accepted and job.state in (State.HELD, State.WAITING) and by_hand)


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
    """Held, waiting or ignored; what has an act of its own (`INSTEAD`) is not retried."""
    return job.state in (State.HELD, State.WAITING, State.IGNORED) and job.reason not in INSTEAD


def can_be_rebuilt(job: Job) -> bool:
    """As `can_be_retried`, a draft that waits for approval as well; never what was made elsewhere, or is accepted."""
    fits = can_be_retried(job) or (job.state is State.HELD and job.reason is Reason.AWAITING_APPROVAL)
    return fits and not job.adopted and not job.accepted


def approve(ledger: Ledger, job: Job, now: datetime, note: str | None, *, persons: int = 1) -> bool:
    """A person approves exactly this document. The ERP is asked for it once more; if it has changed, so is the person.

    What policies have accepted counts anew, since it is compared anew. With two `persons` the first approval is kept
    and changes nothing: False. UsageError for a second one of the same person.
    """
    if persons > 1 and not _second_person(ledger, job, now, note):
        return False
    steer(ledger, job, job.document_approved(now, mark(job)), "approve", now, note)
    return True


def _second_person(ledger: Ledger, job: Job, now: datetime, note: str | None) -> bool:
    """Somebody else has approved this very document before; else this approval is kept as the first."""
    first = f"approve, the first of two, {mark(job)}"
    given = {act.actor for act in ledger.actions(job.id) if act.action == first}
    if given - {actor()}:
        return True
    if given:
        raise UsageError(f"{job.key}: you have approved it already; another person must approve it, too")
    ledger.act(act_of(first, job.tenant, now, note, job.id))
    return False


def note_down(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """Keep a note with the job; nothing else of it changes. UsageError if it is empty."""
    if not (note or "").strip():
        raise UsageError("say by --note what is to be kept")
    ledger.act(act_of("note", job.tenant, now, note, job.id))


def can_be_approved(job: Job) -> bool:
    """Held until a person approves its document."""
    return job.state is State.HELD and job.reason is Reason.AWAITING_APPROVAL


NOT_EXPLAINED = (Reason.AMOUNT_UNEXPLAINED, Reason.SHIPPING_REPEATED)
"""Why a listing is held whose sum an operator may accept as it is."""


def approve_total(ledger: Ledger, job: Job, now: datetime, note: str | None, *, total: Decimal) -> None:
    """An operator accepts the listing as it is, if its invoice comes to exactly this sum.

    It goes with the listing's fingerprint: a listing that changes is looked at anew. What was built is asked for again.
    """
    fresh = job.total_approved(now, at_total(job, total))
    steer(ledger, job, fresh, f"approve --total {total:f}", now, note)


def total_can_be_approved(job: Job) -> bool:
    """An invoice that is held because its amounts are not explained, and that ShipperOne has not accepted."""
    held = job.stage is Stage.INVOICE and job.state is State.HELD and job.reason in NOT_EXPLAINED
    return held and not job.accepted and job.lost_at is None


def approve_without_vat(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """An operator decides that the order is handled without its VAT ids, for its later jobs too.

    Other VAT ids need a decision of their own.
    """
    fresh = job.vat_left_out(now, vat_mark(job.order))
    steer(ledger, job, fresh, "approve --without-vat", now, note)


def vat_can_be_left_out(job: Job) -> bool:
    """Held because its VAT id is not valid, and ShipperOne has not accepted it."""
    held = job.state is State.HELD and job.reason is Reason.VAT_ID_INVALID
    return held and not job.accepted and job.lost_at is None and vat_mark(job.order) is not None


def release(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """A confirmed order's reservation is to be given back: the service does it once neither queue lists the order."""
    fresh = job.to_be_given_back(now, f"given back, as {actor()} said: {note}")
    steer(ledger, job, fresh, "release", now, note)


def can_be_released(job: Job) -> bool:
    """A reservation that was made here and that ShipperOne was told of, and nobody has given back."""
    confirmed = job.stage is Stage.ALLOCATION and job.accepted and job.reference is not None and not job.adopted
    return confirmed and (job.state is State.DONE or job.reason is Reason.RESERVED_NOT_SHIPPED)


def repeat(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """It is a true second shipment of the same items in the same quantity: let it go on under its own key.

    More than was allocated is not invoiced by it: planning then holds it `more_than_ordered`.
    """
    steer(ledger, job, job.taken_up(now), "repeat", now, note)


def can_be_repeated(job: Job) -> bool:
    """Held because the same was confirmed before."""
    return job.state is State.HELD and job.reason is Reason.LISTED_AGAIN


def act_of(what: str, tenant: str, now: datetime, note: str | None, job_id: int | None = None) -> Action:
    """What is recorded of an act, with the user of this machine as its actor."""
    return Action(id=new_id(), at=now, actor=actor(), action=what, tenant=tenant, job_id=job_id, note=note)


def has_changed(job: Job) -> UsageError:
    """Somebody was faster: nothing was done."""
    return UsageError(f"{job.key} has just changed; look again with `shipperone-erp order show {job.order_id}`")


def steer(ledger: Ledger, before: Job, after: Job, what: str, now: datetime, note: str | None) -> None:
    """Change the job and record who said so; UsageError if it is not as it was looked at."""
    if not ledger.steer(before, after, act_of(what, before.tenant, now, note, before.id)):
        raise has_changed(before)
