"""Transitions of a job by an operator. Each is recorded as an action with its actor; see `operations.job_actions`."""

from datetime import date, datetime
from typing import Self

from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.job.record import CreditNote, JobRecord, changed
from shipperone_erp.domain.keys import job_key
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.serialization import invoice_text
from shipperone_erp.domain.states import Stage, State, Step

ASKED_AGAIN = {Step.RESERVED: Step.RESERVING, Step.BUILT: Step.BUILDING}
"""The steps at which a retry continues instead: the ERP is queried again, under the same key, for the document."""


class OperatorTransitions(JobRecord):
    """Transitions that an operator requests."""

    def taken_up(self, now: datetime) -> Self:
        """It continues from its current step. Follows a hold that only an operator can end."""
        self._must(self.state is State.HELD, "taken up")
        return self._renewed(now)

    def retried(self, now: datetime, *, rebuild: bool = False) -> Self:
        """It continues with fresh reads of both sides; the counts of automatic resolutions are reset.

        `rebuild`: its documents are undone first. Follows `held`, `waiting` and `ignored`.
        """
        self._must(self.state in (State.HELD, State.WAITING, State.IGNORED), "retried")
        self._must(not (rebuild and self.accepted), "rebuilt, since ShipperOne has accepted it")
        fresh = changed(
            self._renewed(now),
            next_attempt_at=None,
            attempts=0,
            retries=0,
            rebuilds=0,
            accepts=0,
            crashes_alone=0,
            settle_reads=self.settle_reads if self.sent_again else (),
            doubt_since=None,
            listed_as=None,
            absent_since=None,
            absent_reads=0,
            absence_doubtful=False,
            differences=(),
            open=not self.accepted,
        )
        if self.contradiction is not None:
            fresh = changed(fresh, step=self.asking_step)
        elif self.lost_at is None and not self.accepted and not self.adopted:
            # an operator may have corrected it in the ERP
            step = Step.BUILT if (self.stage, self.step) == (Stage.INVOICE, Step.CONFIRMING) else self.step
            fresh = changed(fresh, step=ASKED_AGAIN.get(step, step))
        if (self.step is Step.NEW and not self.accepted and not self.adopted) or rebuild:
            # Nothing is in the ERP yet, or its document is undone: the job ends, and planning treats the order as a new
            # one.
            fresh = changed(fresh, ending=State.SUPERSEDED)
        return fresh

    def ignored(self, now: datetime) -> Self:
        """Left alone for good, with its documents, until a retry. Follows a job that ShipperOne has not accepted.

        An unknown outcome is kept: after a retry, it is settled first.
        """
        self._must(not self.ended and not self.accepted, "ignored")
        return changed(
            self,
            state=State.IGNORED,
            open=False,
            since=now,
            next_attempt_at=None,
            settle_reads=self.settle_reads if self.sent_again else (),
        )

    def finished_by_hand(self, now: datetime, sentence: str) -> Self:
        """An operator has completed the remaining work by hand after ShipperOne's acceptance."""
        self._must(self.accepted and not self.ended, "finished by hand")
        return changed(
            self,
            state=State.DONE,
            step=Step.DONE,
            reason=None,
            owner=None,
            next_attempt_at=None,
            since=now,
            sentence=sentence,
        )

    def resolved_confirmed(self, now: datetime, sentence: str) -> Self:
        """ShipperOne has it. With an unknown outcome it continues as accepted; else it was handled by hand, and is
        done.
        """
        self._must(not self.accepted and not self.ended, "confirmed by an operator")
        accepted = changed(self._settled(now), open=False, accepted_at=now, inferred=True)
        if self.lost_at is not None:
            return changed(accepted, state=State.NEW, step=Step.ACCEPTED, sentence=None, attempts=0)
        return changed(accepted, state=State.DONE, step=Step.DONE, sentence=sentence)

    def resolved_cancelled(self, now: datetime, sentence: str) -> Self:
        """ShipperOne does not have it. With an unknown outcome it is planned again; else it was handled by hand, and
        ends.
        """
        self._must(not self.accepted and not self.ended, "cancelled by an operator")
        settled = self._settled(now)
        if self.lost_at is not None:
            return changed(settled, state=State.NEW, sentence=None)
        return changed(settled, open=False, state=State.GONE, sentence=sentence)

    def document_approved(self, now: datetime, mark: str | None) -> Self:
        """An operator approves the document of that digest: the ERP is queried for it once more, and it is compared."""
        self._must(self.state is State.HELD and self.stage is Stage.INVOICE, "approved")
        return changed(self._renewed(now), step=Step.BUILDING, approved=mark, accepts=0, attempts=0)

    def total_approved(self, now: datetime, mark: str) -> Self:
        """An operator accepts the listing at one sum: the ERP is queried again for a document that was built."""
        self._must(self.state is State.HELD and not self.accepted, "approved at a sum")
        built = (self.stage, self.step) != (Stage.INVOICE, Step.NEW) and not self.adopted
        return changed(
            self._renewed(now),
            step=Step.BUILDING if built else self.step,
            attempts=0,
            differences=(),
            approved_total=mark,
        )

    def vat_left_out(self, now: datetime, mark: str | None) -> Self:
        """An operator decides that it is handled without the VAT ids of that digest."""
        self._must(self.state is State.HELD and not self.accepted, "handled without its VAT ids")
        return changed(
            self._renewed(now),
            step=ASKED_AGAIN.get(self.step, self.step),
            attempts=0,
            differences=(),
            next_attempt_at=None,
            without_vat=mark,
        )

    def to_be_given_back(self, now: datetime, sentence: str) -> Self:
        """Its confirmed reservation is released once neither queue lists the order."""
        self._must(self.stage is Stage.ALLOCATION and self.accepted, "given back")
        return changed(self._renewed(now), ending=State.GONE, attempts=0, next_attempt_at=None, sentence=sentence)

    def made_elsewhere(
        self,
        now: datetime,
        *,
        reference: str,
        number: str | None,
        invoice: Invoice | None,
        erp: str | None,
        day: date | None,
    ) -> Self:
        """An operator names the document that was made elsewhere: it is compared and confirmed, never changed."""
        self._must(not self.ended and not self.accepted, "adopted")
        return changed(
            self._renewed(now),
            adopted_at=now,
            reference=reference,
            number=number,
            url=None,
            invoice_json=invoice_text(invoice) if invoice is not None else None,
            issuer=invoice.issuer if invoice is not None else None,
            erp=erp,
            tax_date=day,
            open=True,
            step=Step.NEW,
            ending=None,
            next_attempt_at=None,
            attempts=0,
            absent_since=None,
            absent_reads=0,
            absence_doubtful=False,
            differences=(),
        )

    def credit_recorded(self, credit: CreditNote) -> Self:
        """A credit note against its invoice was made in the ERP."""
        self._must(self.stage is Stage.INVOICE and self.accepted, "credited")
        return changed(self, credits=(*self.credits, credit))

    def supply_date_set(self, now: datetime, day: date) -> Self:
        """An operator has set its day of supply: a document in the ERP with another one is undone first."""
        return changed(self._dated(now), supply_date=day, tax_date=day)

    def issue_date_set(self, now: datetime, day: date) -> Self:
        """An operator has set its date of issue: a document in the ERP with another one is undone first."""
        return changed(self._dated(now), issue_date=day)

    def of_restored_ledger(self) -> Self:
        """The ledger is a restored copy: the outcome of the job's last call counts as unknown. Follows an open job.

        An unknown outcome of ShipperOne is settled by its queue, a document that was made elsewhere by an operator.
        """
        self._must(self.open, "of unknown outcome")
        unknown = changed(self, absence_doubtful=True, absent_since=None, absent_reads=0, next_attempt_at=None)
        if self.lost_at is not None or self.adopted:
            return unknown
        return changed(unknown, step=self.asking_step)

    def reference_dropped(self, now: datetime, sentence: str) -> Self:
        """Its document is in an ERP that is no longer served: held without it. Follows anything unfinished."""
        self._must(not self.ended, "held without its document")
        issued = self.accepted and self.invoice is not None and self.invoice.issued
        return changed(
            self,
            state=State.HELD,
            reason=Reason.ERP_CHANGED,
            owner=Owner.IT,
            since=now,
            next_attempt_at=None,
            sentence=sentence,
            reference=None,
            url=None,
            number=None,
            adopted_at=None,
            approved=None,
            invoice_json=self.invoice_json if self.accepted else None,
            step=self.step if issued else self.asking_step,
        )

    def document_lost(self, now: datetime) -> Self:
        """The ERP no longer has its document: started again under the next key, accepted as before.

        Follows a job that ShipperOne has accepted, whose document was made here, and that is not being worked on.
        """
        rests = self.state in (State.DONE, State.HELD, State.WAITING) and self.ending is None
        self._must(rests and self.accepted and not self.adopted, "rebuilt")
        generation = self.generation + 1
        return changed(
            self._renewed(now),
            generation=generation,
            key=job_key(self.stage, self.order_id, self.content, generation=generation, occurrence=self.occurrence),
            step=self.asking_step,
            next_attempt_at=None,
            attempts=0,
            crashes_alone=0,
            reference=None,
            url=None,
            number=None,
            invoice_json=None,
            differences=(),
        )

    def _renewed(self, now: datetime) -> Self:
        return changed(self, state=State.NEW, reason=None, sentence=None, owner=None, since=now)

    def _settled(self, now: datetime) -> Self:
        """Nothing about it is unknown any more."""
        return changed(
            self,
            reason=None,
            owner=None,
            next_attempt_at=None,
            since=now,
            lost_at=None,
            settle_reads=(),
            absent_since=None,
            absent_reads=0,
            absence_doubtful=False,
            differences=(),
        )

    def _dated(self, now: datetime) -> Self:
        """It continues with a date of its own; an approval must be given again."""
        self._must(self.stage is Stage.INVOICE and self.state in (State.HELD, State.WAITING), "given a date")
        fresh = changed(self._renewed(now), next_attempt_at=None, attempts=0, approved=None, differences=())
        if self.accepted:
            return fresh
        if self.reference is not None:
            return changed(fresh, ending=State.NEW)
        step = Step.BUILDING if self.step is not Step.NEW else Step.NEW
        return changed(fresh, step=step, invoice_json=None)
