"""Marks from the ledger alone: unfinished jobs, and confirmations inferred, dated or decided by an operator."""

from collections.abc import Iterable, Mapping, Sequence

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.records import Action
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.open_documents import open_documents, unfinished
from shipperone_erp.operations.reconcile.finding_kinds import Compared, Finding

DECISIONS = (
    "resolve ", "ignore", "adopt ", "approve --total ", "approve --without-vat", "repeat", "retry --rebuild, ",
    "go-live --from-now",
)  # fmt: skip
"""Commands by which an operator has overruled a rule. Dates and credit notes have marks of their own."""


def marks(ledger: Ledger, tenant: str, own: Sequence[Job]) -> Iterable[tuple[Job, Compared]]:
    """For an unfinished job the open document comes last, and counts."""
    acts = grouped(ledger.actions(tenant), key=lambda act: act.job_id)
    for job in own:
        noted = _noted(job, acts.get(job.id, ()))
        if noted is not None:
            yield job, noted
    yield from _of_open_documents(ledger, tenant, acts)


def _of_open_documents(
    ledger: Ledger, tenant: str, acts: Mapping[int | None, Sequence[Action]]
) -> Iterable[tuple[Job, Compared]]:
    """Unfinished documents, and those that `order ignore` has left in the ERP. A live reservation is neither."""
    rows = {row["key"]: row["document"] for row in open_documents(ledger, tenant)}
    for job in ledger.find_jobs(tenant=tenant, states=[state for state in State if state is not State.DONE]):
        if job.key not in rows:
            continue
        kind = rows[job.key]
        named = f"{kind} {job.reference}" if job.reference else kind
        if job.state is State.IGNORED:
            sentence = f"ignored by an operator (`order ignore`); still in the ERP: {named}"
            yield job, Compared(job, None, Finding.IGNORED, sentence)
        elif unfinished(job) is not None:
            why = "".join(f": {part}" for part in (job.sentence, _dated(job, acts.get(job.id, ()))) if part)
            yield job, Compared(job, None, _unfinished(job), f"{named}, {job.state.value}{why}")


def _unfinished(job: Job) -> Finding:
    if job.stage is Stage.ALLOCATION:
        return Finding.OPEN
    issued = job.invoice is not None and job.invoice.issued
    if job.accepted:
        return Finding.OPEN if issued else Finding.ACCEPTED_NOT_ISSUED
    return Finding.ISSUED_NOT_CONFIRMED if issued and not job.adopted else Finding.OPEN


def _noted(job: Job, acts: Sequence[Action]) -> Compared | None:
    decided = [act for act in acts if act.action.startswith(DECISIONS)]
    by_hand = any(act.action.startswith("resolve ") for act in decided)
    dated = _dated(job, acts) if job.accepted else ""
    notes = []
    if job.accepted and job.inferred and not by_hand:
        sentence = "ShipperOne's answer was lost; its acceptance was inferred from later reads of the queues"
        notes.append((Finding.INFERRED, sentence))
    if decided:
        notes.append((Finding.DECIDED_BY_HAND, "; ".join(map(_action_text, decided))))
    if dated:
        notes.append((Finding.DATE_SET, dated))
    if job.accepted and not job.compared:
        notes.append((Finding.NOT_COMPARED, "the ERP stated no total, so only items and quantities were compared"))
    return Compared(job, None, notes[0][0], "; ".join(sentence for _, sentence in notes)) if notes else None


def _action_text(act: Action) -> str:
    return f"{act.actor}: {act.action}{f': {act.note}' if act.note else ''}"


def _dated(job: Job, acts: Sequence[Action]) -> str:
    """Both dates of an invoice if an operator has set one, with the actor and the note; else empty."""
    if not job.dated_by_operator:
        return ""
    issued = f", date of issue {job.issue_date}" if job.issue_date else ""
    dates = [act for act in acts if act.action.startswith(("supply-date ", "retry --issue-date "))]
    by = "".join(f"; {act.actor}: {act.action}: {act.note}" for act in dates)
    dated = job.invoice.date if job.invoice else None
    there = f" (the ERP's is of {dated})" if dated and job.issue_date and dated != job.issue_date else ""
    return f"day of supply {job.tax_date}{issued}{there}{by}"
