"""Transitions of a job after a read of a queue: listed, listed differently, not listed, or undecided."""

from datetime import datetime
from typing import Self

from shipperone_erp.domain.job.record import JobRecord, changed
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage, State


class ListingTransitions(JobRecord):
    """Transitions by which planning records a read."""

    def restamped(self, fingerprint: str, order_json: str) -> Self:
        """The order is the same; this version reads its text differently."""
        self._must(self.open, "given another text of its order")
        return changed(self, fingerprint=fingerprint, order_json=order_json)

    def listed_unchanged(self) -> Self:
        """The order is listed as the job has it: nothing is undone, and its listing no longer changes."""
        self._must(self.open, "listed")
        if self.ending is None and self.listed_as is None:
            return self
        return changed(self, ending=None, listed_as=None)

    def listed(self) -> Self:
        """The order is listed: the counts of its absence are void."""
        if self.absent_since is None and not self.absent_reads and not self.absence_doubtful:
            return self
        return changed(self, absent_since=None, absent_reads=0, absence_doubtful=False)

    def outcome_void(self) -> Self:
        """The outcome of its lost confirmation no longer matters: the job is undone, or is for another listing."""
        self._must(self.open, "undone")
        return changed(self, lost_at=None, settle_reads=())

    def listed_after_acceptance(self, reads: int) -> Self:
        """That many complete reads still list the order after ShipperOne has accepted it."""
        self._must(self.accepted, "listed after its acceptance")
        return changed(self, listed_again=reads)

    def unsteady(self, sentence: str, until: datetime) -> Self:
        """A new job whose listing keeps changing: held, and started automatically if it is unchanged until then."""
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
        """The listing has changed once more; it must stay unchanged until then. Follows `unsteady`."""
        self._must(self.listed_as is not None, "listed otherwise again")
        return changed(self, listed_as=fingerprint, next_attempt_at=until)

    def queue_shows(self, reads: tuple[str, ...]) -> Self:
        """The findings of reads since its outcome became unknown. Follows an unknown outcome."""
        self._must(self.lost_at is not None, "settled by ShipperOne's queue")
        return changed(self, settle_reads=reads)

    def undecided(self, sentence: str, *, doubt_since: datetime, read_at: datetime) -> Self:
        """A read has proven nothing about the unknown outcome; the job waits for the next read. Follows an unknown
        outcome.
        """
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
        """A read proves that the order is not listed; the first such read decides whether that is doubtful."""
        self._must(self.open, "absent from its queue")
        if self.absent_since is None:
            return changed(self, absent_since=at, absent_reads=1, absence_doubtful=doubtful)
        return changed(self, absent_reads=self.absent_reads + 1)

    def absence_doubted(self) -> Self:
        """The queue was not read for long: from now on, absence proves less."""
        self._must(self.open, "absent from its queue")
        return changed(self, absence_doubtful=True)

    def not_given_back(self) -> Self:
        """An operator requested the release of its reservation, but a queue lists the order: it is kept."""
        self._must(self.stage is Stage.ALLOCATION and self.ending is State.GONE, "kept")
        return changed(self, ending=None)

    def of_adopted(self, other: JobRecord) -> Self:
        """A new job for another listing of an order whose document was made elsewhere: it takes over that document."""
        self._must(self.state is State.NEW and other.adopted, "given a document that was made elsewhere")
        return changed(
            self,
            adopted_at=other.adopted_at,
            reference=other.reference,
            number=other.number,
            erp=other.erp,
            invoice_json=other.invoice_json,
            issuer=other.issuer,
        )
