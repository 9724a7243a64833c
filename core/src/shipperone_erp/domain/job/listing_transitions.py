"""What a read of a queue says of a job: listed, listed otherwise, not listed, or undecided."""

from datetime import datetime
from typing import Self

from shipperone_erp.domain.job.record import JobRecord, changed
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State


class ListingTransitions(JobRecord):
    """Transitions that planning makes of what a read has shown."""

    def restamped(self, fingerprint: str, order_json: str) -> Self:
        """Its order is the same, read otherwise by this version."""
        self._must(self.open, "given another text of its order")
        return changed(self, fingerprint=fingerprint, order_json=order_json)

    def listed_unchanged(self) -> Self:
        """The order is listed as the job has it: nothing is to be undone, and its listing stands still."""
        self._must(self.open, "listed")
        return changed(self, ending=None, listed_as=None)

    def listed(self) -> Self:
        """The order is listed: whatever was counted of its absence is void."""
        return changed(self, absent_since=None, absent_reads=0, absence_doubtful=False)

    def outcome_void(self) -> Self:
        """Whether its lost confirmation was taken matters no more: it is to be undone, or is for another listing."""
        self._must(self.open, "undone")
        return changed(self, lost_at=None, settle_reads=())

    def listed_after_acceptance(self, reads: int) -> Self:
        """So many complete reads still list the order after ShipperOne has accepted it."""
        self._must(self.accepted, "listed after its acceptance")
        return changed(self, listed_again=reads)

    def unsteady(self, sentence: str, until: datetime) -> Self:
        """A new job whose listing keeps changing: held, and begun by itself once it stands still until then."""
        self._must(self.state is State.NEW, "held before it began")
        return changed(
            self,
            state=State.HELD,
            reason=Reason.ITEMS_CHANGED,
            sentence=sentence,
            owner=Owner.SHIPPERONE,
            listed_as=self.fingerprint,
            next_attempt_at=until,
        )

    def listing_changed_again(self, fingerprint: str, until: datetime) -> Self:
        """The listing has changed once more; it is to stand still until then. Follows `unsteady`."""
        self._must(self.listed_as is not None, "listed otherwise again")
        return changed(self, listed_as=fingerprint, next_attempt_at=until)

    def queue_shows(self, reads: tuple[str, ...]) -> Self:
        """What reads have shown since its answer was lost. Follows a lost answer."""
        self._must(self.lost_at is not None, "settled by ShipperOne's queue")
        return changed(self, settle_reads=reads)

    def undecided(self, sentence: str, *, doubt_since: datetime, read_at: datetime) -> Self:
        """A read has proven nothing about the lost answer; it waits for the next one. Follows a lost answer."""
        self._must(self.lost_at is not None, "settled by ShipperOne's queue")
        return changed(
            self,
            state=State.WAITING,
            reason=Reason.OUTCOME_UNKNOWN,
            owner=Owner.NOBODY,
            sentence=sentence,
            doubt_since=doubt_since,
            since=self.since if self.state is State.WAITING else read_at,
        )

    def not_listed(self, at: datetime, *, doubtful: bool) -> Self:
        """A read proves that the order is not listed; the first such read says whether that is doubtful."""
        self._must(self.open, "absent from its queue")
        if self.absent_since is None:
            return changed(self, absent_since=at, absent_reads=1, absence_doubtful=doubtful)
        return changed(self, absent_reads=self.absent_reads + 1)

    def absence_doubted(self) -> Self:
        """Nobody has read the queue for long: that the order is not listed proves less from now on."""
        self._must(self.open, "absent from its queue")
        return changed(self, absence_doubtful=True)

    def not_given_back(self) -> Self:
        """An operator wanted its reservation released, and a queue lists the order: it is kept."""
        self._must(self.stage is Stage.ALLOCATION and self.ending is State.GONE, "kept")
        return changed(self, ending=None)

    def of_adopted(self, other: JobRecord) -> Self:
        """A new job for another listing of an order whose document was made elsewhere: that document is its own."""
        self._must(self.state is State.NEW and other.adopted, "given a document that was made elsewhere")
        return changed(
            self,
            adopted_at=other.adopted_at,
            reference=other.reference,
            number=other.number,
            erp=other.erp,
            invoice_json=other.invoice_json,
        )
