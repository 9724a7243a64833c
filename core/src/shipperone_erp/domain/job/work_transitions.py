"""Transitions of a job while its flow runs: calls to the ERP, documents, undoing, the end."""

from datetime import date
from typing import Self

from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.job.record import JobRecord, changed
from shipperone_erp.domain.keys import job_key
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.serialization import invoice_text
from shipperone_erp.domain.states import STEPS, Stage, State, Step


class WorkTransitions(JobRecord):
    """Transitions of a job that is being worked on."""

    def call_begins(self, step: Step) -> Self:
        """A call is about to be made; the job is at `step` until the answer. Follows anything unfinished."""
        self._must(not self.ended and self.state is not State.IGNORED, "worked on")
        self._must(step in STEPS[self.stage], f"at step {step}")
        return changed(self, state=State.WORKING, step=step, next_attempt_at=None)

    def call_had_no_effect(self, before: Step) -> Self:
        """The call had no effect: the job returns to the step before it."""
        self._must(self.state is State.WORKING, f"back at step {before}")
        return changed(self, step=before)

    def items_requested(self, item_ids: tuple[int | str, ...]) -> Self:
        """These items, and no others of the order, are about to be reserved."""
        self._must(self.stage is Stage.ALLOCATION, "reserved")
        return changed(self, reserved=item_ids)

    def stock_reserved(self, reference: str, url: str | None) -> Self:
        """The ERP has reserved all of it. Follows the reservation call."""
        self._must(self.step is Step.RESERVING, "reserved")
        return changed(self, step=Step.RESERVED, reference=reference, url=url, attempts=0)

    def nothing_to_reserve(self) -> Self:
        """None of its items is kept in stock: it counts as reserved, without a reservation."""
        self._must(self.stage is Stage.ALLOCATION and self.step in (Step.NEW, Step.RESERVING), "reserved")
        return changed(self, state=State.WORKING, step=Step.RESERVED)

    def stock_short(self) -> Self:
        """The ERP has reserved nothing, since it lacks stock. Follows the reservation call."""
        self._must(self.step is Step.RESERVING, "short of stock")
        return changed(self, step=Step.NEW)

    def draft_built(self, invoice: Invoice, *, believed: bool) -> Self:
        """The ERP has answered with a document. Unless it is `believed`, the next attempt queries the ERP again."""
        self._must(self.stage is Stage.INVOICE and self.step is Step.BUILDING, "built")
        return changed(
            self,
            step=Step.BUILT if believed else Step.BUILDING,
            reference=invoice.reference,
            url=invoice.url,
            number=invoice.number,
            invoice_json=invoice_text(invoice),
            issuer=invoice.issuer,
            compared=invoice.total_incl_tax is not None,
            attempts=self.attempts if self.accepted else 0,
        )

    def document_stated(self, invoice: Invoice) -> Self:
        """The ERP has stated its document again."""
        self._must(self.stage is Stage.INVOICE and not self.ended, "given an invoice")
        return changed(
            self,
            invoice_json=invoice_text(invoice),
            issuer=invoice.issuer,
            reference=invoice.reference,
            number=invoice.number,
            url=invoice.url,
        )

    def in_erp(self, identity: str) -> Self:
        """The job's document, if it has one, is in the ERP of that identity."""
        return self if self.reference is None else changed(self, erp=identity)

    def to_be_built_again(self) -> Self:
        """The ERP is queried for the document of the same key again. Follows a built document, or its acceptance."""
        again = self.step in (Step.BUILDING, Step.BUILT, Step.ACCEPTED)
        self._must(self.stage is Stage.INVOICE and again, "built again")
        return changed(self, step=Step.BUILDING)

    def ready_to_confirm(self) -> Self:
        """The ERP's document matches the listing. Follows a built draft, or a document that was made elsewhere."""
        made = self.step is Step.BUILT or (self.adopted and self.step is Step.NEW)
        self._must(self.open and made, "confirmed next")
        return changed(self, step=Step.CONFIRMING if self.stage is Stage.INVOICE else Step.RESERVED)

    def to_be_compared_again(self) -> Self:
        """The draft no longer matches the tenant's settings. Follows a draft whose confirmation had no effect."""
        waits = self.step is Step.CONFIRMING and self.lost_at is None and self.invoice_json is not None
        self._must(self.stage is Stage.INVOICE and self.open and waits, "compared again")
        return changed(self, step=Step.BUILT)

    def ready_to_issue(self) -> Self:
        """The rebuilt document matches the one that ShipperOne has accepted."""
        self._must(self.accepted and self.step is Step.BUILT, "issued next")
        return changed(self, step=Step.ISSUING)

    def invoice_issued(self, *, total_stated: bool = False) -> Self:
        """The invoice is fiscal. Follows ShipperOne's acceptance alone."""
        self._must(self.stage is Stage.INVOICE and self.accepted, "issued")
        return changed(self, step=Step.ISSUED, attempts=0, compared=self.compared or total_stated)

    def taxes_looked_at(self, *, compared: bool) -> Self:
        """Record whether each tax of its document was compared with one that ShipperOne lists. Follows a document."""
        self._must(self.step in (Step.BUILT, Step.ISSUED), "looked at for its taxes")
        return changed(self, tax_compared=compared)

    def done(self, sentence: str | None = None) -> Self:
        """Nothing is left to do. Follows ShipperOne's acceptance alone."""
        self._must(self.accepted, "done")
        return changed(
            self,
            state=State.DONE,
            step=Step.DONE,
            reason=None,
            sentence=sentence,
            owner=None,
            next_attempt_at=None,
        )

    def undo_begins(self, ending: State) -> Self:
        """Its documents are undone from now on; then it ends as `ending`, or (`new`) starts its next generation.

        After ShipperOne's acceptance only a reservation that is given back (`gone`) is undone.
        """
        self._must(ending in (State.NEW, State.GONE, State.SUPERSEDED), f"ended as {ending}")
        self._must(not self.ended and (ending is State.GONE or not self.accepted), "undone")
        return changed(self, ending=ending)

    def undone(self) -> Self:
        """The ERP no longer holds any document of it. Follows `undo_begins`."""
        self._must(self.ending is not None, "undone")
        return changed(self, step=Step.NEW, reference=None, url=None, invoice_json=None)

    def ended_as(self, state: State, why: str) -> Self:
        """It has ended as `gone` or `superseded`. Follows `undo_begins` of the same.

        One that left its queue undecided before the go-live keeps that reason: listed again, it is held again.
        """
        self._must(self.ending is state and state is not State.NEW, state)
        undecided = state is State.GONE and self.reason is Reason.BEFORE_GO_LIVE
        return changed(
            self,
            state=state,
            open=False,
            ending=None,
            reason=self.reason if undecided else None,
            sentence=why,
            owner=None,
            next_attempt_at=None,
        )

    def next_generation(self, step: Step = Step.NEW) -> Self:
        """It starts again under the next key, without a document, at `step`. Follows anything unfinished."""
        self._must(not self.ended and step in STEPS[self.stage], "restarted")
        generation = self.generation + 1
        return changed(
            self,
            generation=generation,
            key=job_key(self.stage, self.order_id, self.content, generation=generation, occurrence=self.occurrence),
            step=step,
            reference=None,
            url=None,
            invoice_json=None,
            ending=None,
        )

    def retry_counted(self) -> Self:
        """A mismatch or a refusal was answered by sending it again."""
        return changed(self, retries=self.retries + 1)

    def rebuild_counted(self) -> Self:
        """A mismatch, a refusal or another day of supply was answered by rebuilding its document."""
        return changed(self, rebuilds=self.rebuilds + 1)

    def accept_counted(self) -> Self:
        """A policy has accepted other amounts."""
        return changed(self, accepts=self.accepts + 1)

    def supply_day_is(self, day: date | None) -> Self:
        """The day of supply is fixed; None: it is fixed with the next attempt."""
        self._must(self.stage is Stage.INVOICE, "given a day of supply")
        return changed(self, tax_date=day)

    def draft_forgotten(self) -> Self:
        """Another day of supply is listed, and the ERP holds nothing yet: it is computed from the beginning."""
        self._must(self.stage is Stage.INVOICE and not self.accepted, "recomputed")
        return changed(self, tax_date=None, approved=None, step=Step.NEW, invoice_json=None, reference=None)

    def compared_with_adopted(self, number: str | None, *, compared: bool) -> Self:
        """The document that was made elsewhere matches the listing; its number, and whether a total was stated."""
        self._must(self.adopted, "compared with a document that was made elsewhere")
        return changed(self, number=number, compared=compared)

    def adopted_invoice_is(self, invoice: Invoice, day: date | None) -> Self:
        """Record the invoice that was made elsewhere."""
        self._must(self.adopted and self.stage is Stage.INVOICE, "given an invoice that was made elsewhere")
        return changed(self, tax_date=day, invoice_json=invoice_text(invoice), issuer=invoice.issuer)

    def survived_alone(self) -> Self:
        """It was retried while nothing else ran, and the process survived: another job caused the earlier crash."""
        return changed(self, crashes_alone=0)

    def process_died(self, crashes_alone: int) -> Self:
        """The process died in a hook of this job; it is retried at once, while nothing else runs."""
        return changed(self, crashes_alone=crashes_alone, next_attempt_at=None)
