"""The commands of operators for a job. Every command is recorded with its actor; none calls an ERP.

A running service applies it in its next cycle. Each command changes a job only if the job is unchanged since it was
read.
"""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Literal

from shipperone_erp.domain.amounts.approved_totals import at_total
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage, State, Step
from shipperone_erp.domain.without_vat import mark_with_allocations, vat_mark
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.actors import actor, is_one_person, new_action
from shipperone_erp.operations.job_selection import INSTEAD
from shipperone_erp.workflow.approval import mark


def retry(ledger: Ledger, job: Job, now: datetime, note: str | None, *, rebuild: bool = False) -> None:
    """Resume the job, with fresh reads of both sides and with the counters of automatic resolutions at zero.

    `rebuild`: its documents are undone first, and the next generation is made. UsageError for a job that ShipperOne has
    accepted: for it only the very same document may be issued.
    """
    if rebuild and job.accepted:
        raise UsageError(
            f"{job.key}: ShipperOne has accepted it, so it is not rebuilt; `order retry` without --rebuild resumes "
            "it. If its document is missing in the ERP: `order retry --rebuild`"
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
    """Record an operator's statement about the outcome. If ShipperOne still lists the order afterwards, it is processed
    again.

    If the outcome of the confirmation is unknown, this states it: with `confirmed` the job proceeds as accepted (an
    invoice is issued); with `cancelled` nothing was accepted, and the order is planned again. In any other case the job
    was handled by hand, and ends: no hook is called, and its documents in the ERP are left to the operator. An issued
    invoice permits only `confirmed`: its goods were booked out by hand.
    """
    if job.accepted:
        if outcome == "cancelled":
            raise UsageError(
                f"{job.key}: ShipperOne has accepted it; only `--outcome confirmed` is possible: the remaining steps "
                "were done by hand"
            )
        finished = job.finished_by_hand(now, f"finished by hand, according to {actor()}")
        steer(ledger, job, finished, f"resolve --outcome {outcome}", now, note)
        return
    by_hand = f"handled by hand: {outcome}, according to {actor()}"
    confirmed = outcome == "confirmed"
    fresh = job.resolved_confirmed(now, by_hand) if confirmed else job.resolved_cancelled(now, by_hand)
    steer(ledger, job, fresh, f"resolve --outcome {outcome}", now, note)


def ignore(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """Leave the job and its documents alone; only `order retry` resumes it.

    An unknown outcome of a confirmation stays recorded: when the job is resumed, the outcome is determined first.
    """
    steer(ledger, job, job.ignored(now), "ignore", now, note)


def what_follows(job: Job) -> str:
    """The next step of a job after an operator's command, as a clause."""
    # the order uses a confirmed reservation; any other document is not touched any more
    used = job.stage is Stage.ALLOCATION and job.state is State.DONE
    document = f"; {job.reference} stays in the ERP: undo it there if needed" if job.reference and not used else ""
    match job.state:
        case State.IGNORED:
            return f"it is ignored until `order retry`{document}"
        case State.DONE | State.GONE:
            return f"it has ended; it reopens if ShipperOne still lists it{document}"
        case _:
            return "a running service processes it at once"


def can_be_ended(job: Job) -> bool:
    """Held or waiting, and not accepted: for a job that ShipperOne has accepted an operator may only use `retry`."""
    return job.state in (State.HELD, State.WAITING) and not job.accepted


def can_be_resolved(job: Job) -> bool:
    """As `can_be_ended`; or accepted, with only its delivery missing, or with its document in a previous ERP."""
    by_hand = job.step in (Step.ISSUED, Step.DELIVERING) or job.reason is Reason.ERP_CHANGED
    return can_be_ended(job) or (job.accepted and job.state in (State.HELD, State.WAITING) and by_hand)


def can_be_retried(job: Job) -> bool:
    """Held, waiting or ignored. A reason with a command of its own (`INSTEAD`) excludes a retry."""
    return job.state in (State.HELD, State.WAITING, State.IGNORED) and job.reason not in INSTEAD


def can_be_rebuilt(job: Job) -> bool:
    """As `can_be_retried`, also for a draft that waits for approval; never for an adopted or an accepted job."""
    fits = can_be_retried(job) or (job.state is State.HELD and job.reason is Reason.AWAITING_APPROVAL)
    return fits and not job.adopted and not job.accepted


def approve(ledger: Ledger, job: Job, now: datetime, note: str | None, *, persons: int = 1) -> bool:
    """An operator approves exactly this document. The ERP is queried for it again; a change requires a new approval.

    Acceptances by policies are evaluated again with that comparison. With two `persons` the first approval is recorded
    and changes nothing: returns False. UsageError for a second one by the same operator.
    """
    if persons > 1 and not _second_person(ledger, job, now, note):
        return False
    steer(ledger, job, job.document_approved(now, mark(job)), "approve", now, note)
    return True


def _second_person(ledger: Ledger, job: Job, now: datetime, note: str | None) -> bool:
    """Whether another operator has approved this very document before; else this approval is recorded as the first."""
    if not is_one_person(actor()):
        raise UsageError(
            f"{job.key}: two persons must approve it, and this page does not know who you are: name the persons in "
            "[runtime.page.people], or approve it by the command, each as your own user of the machine"
        )
    first = f"approve, the first of two, {mark(job)}"
    given = {act.actor for act in ledger.actions(job.id) if act.action == first and is_one_person(act.actor)}
    if {name.casefold() for name in given} - {actor().casefold()}:
        return True
    if given:
        raise UsageError(f"{job.key}: you have approved it already; a second person must approve it, too")
    ledger.act(new_action(first, job.tenant, now, note, job.id))
    return False


def note_down(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """Add a note to the job; nothing else changes. UsageError if it is empty."""
    if not (note or "").strip():
        raise UsageError("give the note's text by --note")
    ledger.act(new_action("note", job.tenant, now, note, job.id))


def can_be_approved(job: Job) -> bool:
    """Held until an operator approves its document."""
    return job.state is State.HELD and job.reason is Reason.AWAITING_APPROVAL


NOT_EXPLAINED = (Reason.AMOUNT_UNEXPLAINED, Reason.SHIPPING_REPEATED)
"""Reasons of a held listing whose sum an operator may accept."""


def approve_total(ledger: Ledger, job: Job, now: datetime, note: str | None, *, total: Decimal) -> None:
    """An operator accepts the listing unchanged, if its invoice comes to exactly this sum.

    The approval is bound to the listing's fingerprint: after a change the listing is judged again. An existing document
    is queried again.
    """
    fresh = job.total_approved(now, at_total(job, total))
    steer(ledger, job, fresh, f"approve --total {total:f}", now, note)


def total_can_be_approved(job: Job) -> bool:
    """Whether it is an invoice held for unexplained amounts, and not accepted by ShipperOne."""
    held = job.stage is Stage.INVOICE and job.state is State.HELD and job.reason in NOT_EXPLAINED
    return held and not job.accepted and job.lost_at is None


def approve_without_vat(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """An operator decides to process the order without its VAT ids, also for its later jobs.

    Other VAT ids need a decision of their own.
    """
    mark_of_vat = _vat_mark(ledger, job)
    if mark_of_vat is None:
        raise UsageError(f"{job.key}: neither its order nor the allocation lists a VAT id: nothing was approved")
    fresh = job.vat_left_out(now, mark_of_vat)
    steer(ledger, job, fresh, "approve --without-vat", now, note)


def vat_can_be_left_out(job: Job) -> bool:
    """Whether it is held for an invalid VAT id, and not accepted by ShipperOne. That of an invoice may be one that its
    allocation lists.
    """
    held = job.state is State.HELD and job.reason is Reason.VAT_ID_INVALID
    listed = job.stage is Stage.INVOICE or vat_mark(job.order) is not None
    return held and not job.accepted and job.lost_at is None and listed


def _vat_mark(ledger: Ledger, job: Job) -> str | None:
    """The mark of the VAT ids that the ERP is sent with this job's order."""
    if job.stage is not Stage.INVOICE:
        return vat_mark(job.order)
    allocations = ledger.jobs_of_orders(job.tenant, Stage.ALLOCATION, [job.order_id])
    made = [one for one in allocations if one.state not in (State.GONE, State.SUPERSEDED)]
    return mark_with_allocations(job.order, made)


def release(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """Request the release of a confirmed order's reservation, which follows once neither queue lists the order."""
    fresh = job.to_be_given_back(now, f"released by {actor()}: {note}")
    steer(ledger, job, fresh, "release", now, note)


def can_be_released(job: Job) -> bool:
    """Whether it is a reservation that was made here, confirmed to ShipperOne, and not yet released."""
    confirmed = job.stage is Stage.ALLOCATION and job.accepted and job.reference is not None and not job.adopted
    return confirmed and (job.state is State.DONE or job.reason is Reason.RESERVED_NOT_SHIPPED)


def repeat(ledger: Ledger, job: Job, now: datetime, note: str | None) -> None:
    """Mark it as a true second shipment of the same items and quantities, and resume it under its own key.

    It cannot invoice more than was allocated: planning then holds it as `more_than_ordered`.
    """
    steer(ledger, job, job.taken_up(now), "repeat", now, note)


def can_be_repeated(job: Job) -> bool:
    """Whether it is held because the same content was confirmed before."""
    return job.state is State.HELD and job.reason is Reason.LISTED_AGAIN


def as_shown(job: Job) -> str:
    """A digest of what an operator decides about: the state, and the document. Attempts and sentences do not count."""
    parts = (job.key, job.state, job.step, job.reason, job.lost_at is None, job.fingerprint, job.invoice_json)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def has_changed(job: Job) -> UsageError:
    """The error for a concurrent change: nothing was done."""
    return UsageError(f"{job.key} has just changed; check it again with `shipperone-erp order show {job.order_id}`")


def steer(ledger: Ledger, before: Job, after: Job, what: str, now: datetime, note: str | None) -> None:
    """Change the job and record the actor; UsageError if it has changed since it was read."""
    if not ledger.steer(before, after, new_action(what, before.tenant, now, note, before.id)):
        raise has_changed(before)
